"""The harness: mechanism only. Knows no method, task or student by name.

The verb `init` alone names a task: it makes a study out of the embedded suite.
"""
