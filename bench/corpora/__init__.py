"""Teacher corpora: read, check and import them, retrieve from them, attach them to questions."""
