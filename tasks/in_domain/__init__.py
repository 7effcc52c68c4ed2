"""The published suites that training questions come from."""
