"""The published suites that nobody trains on."""
