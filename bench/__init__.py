"""The harness: mechanism only. Knows no method, task or student by name."""
