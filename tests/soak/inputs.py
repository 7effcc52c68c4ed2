"""What strangers may hand to the program, and how it has to take it."""

import contextlib
import copy
import io
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bench.__main__ import main
from tests.soak.forms import LONG, n

MARKER = "executed-from-data"
"""A file of this name stands in the working folder where something of the data was executed."""
CODES = (0, 1, 2, 3)


class _Payload:
    def __reduce__(self) -> Any:
        return (eval, (f"open('{MARKER}', 'w').close()",))


PICKLED = pickle.dumps(_Payload(), protocol=0)
PLANTED = [
    f"__import__('os').system('touch {MARKER}')",
    f"open('{MARKER}', 'w').close()",
    f"$(touch {MARKER})",
    f"`touch {MARKER}`",
    f"; touch {MARKER} #",
    f"{{{{ cycler.__init__.__globals__.os.system('touch {MARKER}') }}}}",
    f"{{% for x in ().__class__.__base__.__subclasses__() %}}{{{{ x('{MARKER}') }}}}{{% endfor %}}",
    f"!!python/object/apply:os.system ['touch {MARKER}']",
    f"!function os.system('touch {MARKER}')",
    f"=cmd|' /C touch {MARKER}'!A0",
    PICKLED.decode("latin-1"),
    "{0.__class__.__init__.__globals__}",
    "%(x)s %n %s",
]
"""Texts that do something where somebody evaluates, formats, renders or unpickles them."""
ODD = [
    "",
    " ",
    "\n",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\ufeff",
    "null",
    "nan",
    "1e999",
    "-0",
    "[",
    "a" * 5000,
]
texts = st.one_of(st.text(max_size=30), st.sampled_from(PLANTED + ODD))
numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**64, 10**30, -(10**400)]),
    st.floats(),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def cases(short: int, long: int) -> settings:
    """How many cases; the short form draws the same ones every time."""
    return settings(
        max_examples=n(short, long),
        deadline=None,
        derandomize=not LONG,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


Place = tuple[str | int, ...]


def places(tree: Any, at: Place = ()) -> list[Place]:
    """The way to every value below a tree of JSON."""
    keys: Any = ()
    if isinstance(tree, Mapping):
        keys = tree.keys()
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        keys = range(len(tree))
    return [place for key in keys for place in ((*at, key), *places(tree[key], (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn, tree: Any, most: int = 3) -> Any:
    """A tree of JSON, with up to `most` of its values exchanged, gone, or beside another key."""
    found = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        there = places(found)
        if not there:
            return found
        *way, last = draw(st.sampled_from(there))
        inner = found
        for key in way:
            inner = inner[key]
        how = draw(st.sampled_from(["exchange", "exchange", "delete", "add"]))
        if how == "exchange":
            inner[last] = draw(values)
        elif how == "delete":
            del inner[last]
        elif isinstance(inner, dict):
            inner[draw(texts)] = draw(values)
    return found


@st.composite
def scarred(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes with some cut out, exchanged or put in, or cut off."""
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 20)))
    put = draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"", b"\xff\xfe", b"\x00", PICKLED]))
    )
    found = content[:start] + put + content[end:]
    return found[: draw(st.integers(0, len(found)))] if draw(st.booleans()) else found


def lines(rows: Sequence[Any]) -> bytes:
    """JSON lines, as lax as Python writes them."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def told(*words: str) -> tuple[int, str]:
    """The exit code of `skbench WORDS` and all it said; what it raises is raised."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as ended:  # of argparse
            assert isinstance(ended.code, int)
            code = ended.code
    return code, out.getvalue() + err.getvalue()


def takes(*words: str, names: str = "") -> int:
    """Give a command: it works, or ends in a known code with a message that holds `names`."""
    code, said = told(*words)
    assert code in CODES, said
    assert code == 0 or said.strip(), f"no word of why, code {code}"
    assert code != 2 or names in said, said
    assert not Path(MARKER).exists(), f"executed by {words}: {said}"
    return code
