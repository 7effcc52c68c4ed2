"""The verb `board`."""
