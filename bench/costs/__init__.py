"""What is spent: FLOPs from shapes, and latency."""
