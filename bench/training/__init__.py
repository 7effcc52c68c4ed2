"""The one training loop, and how long it goes on."""
