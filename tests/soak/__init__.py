"""What machines and strangers may do to a run: a short form in every test run, `make soak`."""
