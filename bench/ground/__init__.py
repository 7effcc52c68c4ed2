"""What the rest stands on: files, places, the clock, progress bars, where a number comes from."""
