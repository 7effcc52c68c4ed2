"""Critics: what judges the triples that a teacher wrote."""
