"""The command line's larger verbs."""
