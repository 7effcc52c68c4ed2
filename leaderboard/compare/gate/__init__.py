"""The gate's parts: its base, its findings, costs, reach, reruns, checkpoints."""
