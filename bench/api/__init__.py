"""The same from Python: run a track, judge a model, read records. (`bench.run` is a package.)

    from bench.api import evaluate, load_records, run

What is computed, where it lies and what errors mean is as with the command `skbench`.
"""

from bench.api.calls import evaluate, load_records, run

__all__ = ["evaluate", "load_records", "run"]
