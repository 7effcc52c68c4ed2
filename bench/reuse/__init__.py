"""Trained students used again: judged, exported with a model card, reproduced from a record."""
