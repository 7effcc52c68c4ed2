"""What is stored, one file a fact: read strictly, written once, found again."""
