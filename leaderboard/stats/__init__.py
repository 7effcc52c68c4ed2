"""Intervals and tests, averages over data sets, and how a number is written."""
