"""What `skbench init` writes: a study of one's own in one folder."""
