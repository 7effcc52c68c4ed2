"""What is spent: FLOPs from shapes, latency, and what a run would take before it runs."""
