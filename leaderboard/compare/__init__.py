"""Two things side by side: rows, runs with a base, worlds of a map, points of training."""
