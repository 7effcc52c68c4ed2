"""One method = one file of at most 80 lines; listing this folder is the registry."""
