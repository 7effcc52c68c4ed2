"""What a command exits with; `skbench board` has its own in leaderboard/cli/printing.py."""

FINE = 0
FAILED = 1
"""A check or comparison failed."""
USAGE = 2
INCOMPLETE = 3
"""Something is missing."""
