"""Whether records can be trusted: checks of what is filed, one file a family of them."""
