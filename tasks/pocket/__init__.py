"""The pocket suite: an embedded, offline world of invented facts and rules."""
