"""Test questions that a track brings itself: lines of JSON, or tasks of lm-eval."""
