"""From a command to its records: plan cells, then train, evaluate and measure what is not done."""
