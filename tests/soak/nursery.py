"""A process that has imported the program and bears a child for each command.

A line of JSON on stdin is a command: its words, environment, folder and where its output goes. The
answer is a line with the child's process id, and at its end one with its exit status. A child is a
process of its own that runs `skbench WORDS`, and saves the seconds that imports take.
"""

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from threading import Lock, Thread
from typing import Any

from bench.ground import sources
from tests.soak import moments

HEAVY = (
    *("bench.cli.run", "bench.run.stages", "bench.run.fit", "bench.run.measure", "bench.run.sweep"),
    *("bench.run.loglikelihood", "bench.estimates.dry_run", "bench.costs.latency"),
    *("bench.costs.flops", "leaderboard.cli.verbs", "leaderboard.show.rendering", "bench.__main__"),
    *("lm_eval.tasks", "lm_eval.evaluator", "peft", "accelerate", "bm25s", "fvcore.nn"),
    *("transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama"),
    *("transformers.modeling_gguf_pytorch_utils", "transformers.conversion_mapping"),
)
told = Lock()


def bear(order: Mapping[str, Any]) -> int:
    """Start the child of a command; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        code = live(order)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def live(order: Mapping[str, Any]) -> int:
    """What the child does; the exit code of its command."""
    from bench.__main__ import main

    for place, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(order[place], flags, 0o644), number)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    moments.watch()
    return main(order["words"])


def tell(answer: Mapping[str, int]) -> None:
    """A line, whole, from any thread."""
    with told:
        os.write(1, json.dumps(answer).encode() + b"\n")


def bury(child: int) -> None:
    """Wait for a child and tell how it ended."""
    tell({"ended": child, "code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])})


def serve() -> None:
    """Bear children until stdin ends."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    from bench import registry

    for module in HEAVY:
        import_module(module)
    # What a process reads once: which file imports which, and names of weights.
    sources.files("bench.run.stages")
    get_checkpoint_conversion_mapping("llama")
    registry.discover()
    tell({"ready": os.getpid()})
    for line in sys.stdin:
        child = bear(json.loads(line))
        tell({"born": child})
        Thread(target=bury, args=(child,), daemon=True).start()


if __name__ == "__main__":
    serve()
