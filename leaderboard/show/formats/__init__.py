"""Formats to publish in: one file each, found by its name, with a function `export`."""
