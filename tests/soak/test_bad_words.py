"""Words on the command line: they work, or are refused with a word of what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.leaderboard_records import record, save
from tests.soak.inputs import ODD, PLANTED, cases, takes
from tests.tracks import toy_track

HONEST = [
    "0",
    "1",
    "2",
    "0,1",
    "std_cot",
    "zero_shot",
    "kard",
    "all",
    "own.toml",
    "v1",
    "id",
    "toy",
]
HONEST += ["std_cot[restarts=2]", "skintern.steps=2", "skintern[steps=0]", "dev", "id_a", "json"]
HONEST += ["std_cot[", "std_cot]", "[]", "skintern.steps=", "=", ",", "1e9", "-1", "9" * 5000, "²"]
words = st.one_of(
    st.sampled_from(HONEST),
    st.sampled_from(PLANTED + ODD),
    st.text(max_size=12),
    st.text("std_cotkrin[]=,.0123456789-+", max_size=16),
).map(lambda text: text.replace("\x00", "").replace("/", "|"))
"""What an operating system hands over, and no path to elsewhere."""
VERBS = {
    ("run", "own.toml", "--dry-run"): (
        *("--methods", "--seeds", "--set", "--sweep", "--points", "--limit", "--jobs", "--world"),
        *("--sealed", "--split", "--method-file"),
    ),
    ("run", "--dry-run"): ("--methods",),
    ("prompts", "own.toml"): ("--methods", "--set", "--rows", "--method-file"),
    ("cost", "own.toml"): ("--methods", "--limit"),
    ("probe", "own.toml"): ("--methods", "--seeds"),
    ("list",): (),
    ("corpus", "check"): (),
    ("corpus", "import"): ("--out", "--map", "--split", "--passages", "--licence", "--held-out"),
    ("corpus", "recall"): ("-k",),
    ("task", "show"): ("--include", "--split", "--items"),
    ("task", "check"): (),
    ("export-student",): (),
    ("reproduce",): ("--out",),
    ("evaluate", "--track", "own.toml", "--student", "none"): ("--method", "--seed", "--limit"),
    ("board", "show"): ("--metric", "--suite", "--limit", "--world", "--split", "--sealed"),
    ("board", "compare", "std_cot"): ("--track", "--suite", "--metric"),
    ("board", "explain", "std_cot"): ("--track", "--metric", "--seed", "--items", "--suite"),
    ("board", "power", "toy"): ("--seeds", "--gap"),
    ("board", "frontier", "toy"): ("--cost", "--suite"),
    ("board", "amortised", "toy"): ("--questions",),
    ("board", "regress", "--base", "board/records"): (
        *("--track", "--confirm", "--candidate", "--against", "--latency-ratio", "--format"),
    ),
    ("board", "export", "toy"): ("--format", "--hub-dataset"),
    ("board", "study"): ("--suite",),
    ("board", "map"): ("--suite",),
    ("board", "remove"): ("--reason",),
    ("board", "schema"): (),
    ("board", "verify"): ("--base",),
}
"""Words that stay -> options that get any value; nothing of it trains, or leaves this machine."""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    found = tmp_path_factory.mktemp("words")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(found)
        Path("own.toml").write_text(toy_track())
        save(Path("board/records/v1"), [record(), record("kard"), record("kard", 1)])
        patch.setenv("SKBENCH_RECORDS", str(found / "board/records"))
        yield


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """A verb with some of its options, and words where it takes some."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    options = [*VERBS[verb]]
    chosen = draw(st.lists(st.sampled_from(options), max_size=3, unique=True)) if options else []
    given_ = [word for option in chosen for word in (option, draw(words))]
    more = draw(st.lists(words, max_size=2)) if verb[0] != "run" else []
    return [*verb, *more, *given_]


@given(command=commands())
@cases(40, 3000)
def test_any_words_work_or_are_refused(command: list[str]) -> None:
    assume("--publish" not in command and "--yes" not in command)
    takes(*command)
