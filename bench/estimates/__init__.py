"""What methods and runs would take, counted without weights."""
