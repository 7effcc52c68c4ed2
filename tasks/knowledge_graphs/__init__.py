"""Triples that people wrote or judged: ATOMIC and ConceptNet."""
