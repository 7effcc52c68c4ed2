"""The sink: records in, tables out. Imports nothing of ours and no torch."""
