"""Ask a teacher for rationales and knowledge, losing nothing on the way."""
