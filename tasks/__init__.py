"""What is asked and how it is scored. Knows no method and no torch."""
