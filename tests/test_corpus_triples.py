"""Triples of other people: what is taken, and what is set aside and why."""

import json
import tracemalloc
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.corpora.corpus import obtain
from bench.corpora.triples import take

GOOD = {"head": "PersonX runs", "relation": "xReact", "tail": "tired"}


def lines(*rows: object) -> bytes:
    return b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in rows)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "mine.jsonl", tmp_path / "out" / "my.jsonl"


def test_triples_become_a_corpus_that_a_track_can_name(
    paths: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    given, out = paths
    other = {"head": " a  dog ", "relation": "CapableOf", "tail": "bark", "source": "machine"}
    own = {"head": "rain", "relation": "brings", "phrase": "It brings", "tail": "floods"}
    given.write_bytes(b"\xef\xbb\xbf" + lines(GOOD, b"\n", other, own))
    assert main(["corpus", "import", str(given), "--out", str(out), "--licence", "MIT"]) == 0
    assert capsys.readouterr().out == f"{out}: 3 triples\n"
    made = obtain(str(out), out.parent, world=0, data_dir=None)
    assert [(r["question"], r["phrase"], r["answer"], r.get("source")) for r in made.rows] == [
        ("PersonX runs", "After it, PersonX feels", "tired", None),
        ("a dog", "It can", "bark", "machine"),
        ("rain", "It brings", "floods", None),
    ]
    assert made.manifest["licence"] == "MIT" and made.manifest["rejected"] == 0
    assert sorted(path.name for path in out.parent.iterdir() if path.is_file()) == [
        "my.json",
        "my.jsonl",
    ]
    assert main(["corpus", "check", str(out)]) == 0


def test_an_import_that_is_killed_at_any_moment_is_done_again(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = paths
    given.write_bytes(lines(GOOD))
    real, done, left = Path.replace, list[Path](), [0]

    def deadly(self: Path, target: Path) -> Path:
        if len(done) == left[0]:
            raise KeyboardInterrupt
        done.append(Path(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", deadly)
    for left[0] in range(9):
        done.clear()
        if main(["corpus", "import", str(given), "--out", str(out)]) == 0:
            break
        assert not out.exists()
    assert left[0] and done[-1] == out and out.with_suffix(".json").is_file()


BAD = {
    "no tail": {"head": "a", "relation": "xWant"},
    "tail must be a text that is not empty": GOOD | {"tail": "  "},
    "head must be a text that is not empty": GOOD | {"head": 3},
    "unknown relation 'xwant': did you mean 'xWant'?": GOOD | {"relation": "xwant"},
    "occurs twice": GOOD | {"tail": "Tired "},
    "source": GOOD | {"tail": "sad", "source": "a cat"},
    "not JSON": b'{"head": "PersonX \xff runs", "relation": "xReact", "tail": "tired"}\n',
    "expected an object": [1],
}


@pytest.mark.parametrize("reason", BAD)
def test_a_line_that_is_no_triple_is_set_aside_with_number_and_reason(
    paths: tuple[Path, Path], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given, out = paths
    given.write_bytes(lines(GOOD, BAD[reason]))
    assert main(["corpus", "import", str(given), "--out", str(out)]) == 0
    assert "set aside: 1 x " in capsys.readouterr().out
    (aside,) = map(json.loads, out.with_suffix(".rejects.jsonl").read_text().splitlines())
    assert aside["line"] == 2 and reason in aside["reason"] and aside["text"]
    manifest = json.loads(out.with_suffix(".json").read_text())
    assert (manifest["n"], manifest["asked"], manifest["rejected"]) == (1, 2, 1)


@pytest.mark.parametrize("reason", BAD)
def test_strict_stops_at_that_line_and_writes_nothing(
    paths: tuple[Path, Path], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given, out = paths
    given.write_bytes(lines(GOOD, BAD[reason]))
    assert main(["corpus", "import", str(given), "--out", str(out), "--strict"]) != 0
    said = capsys.readouterr().err
    assert f"{given}:2: " in said and reason in said
    assert not list(out.parent.glob("my*"))


def test_a_file_without_a_single_triple_is_told_and_one_that_is_there_is_kept(
    paths: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    given, out = paths
    given.write_bytes(lines(GOOD | {"tail": ""}))
    assert main(["corpus", "import", str(given), "--out", str(out)]) != 0
    assert "no triple can be taken" in capsys.readouterr().err and not out.exists()
    given.write_bytes(lines(GOOD))
    out.write_text("mine\n")
    assert main(["corpus", "import", str(given), "--out", str(out)]) != 0
    assert out.read_text() == "mine\n"


def test_all_triples_of_a_head_are_held_out_or_none(paths: tuple[Path, Path]) -> None:
    given, out = paths
    many = [GOOD | {"head": f"PersonX is {i % 50}", "tail": f"t {i}"} for i in range(200)]
    given.write_bytes(lines(*many))
    found = take(given, out, "MIT", strict=True, held_out=0.4)
    rows, dev = (
        {json.loads(line)["question"] for line in path.read_text().splitlines()}
        for path in (out, out.with_suffix(".dev.jsonl"))
    )
    assert not rows & dev and len(rows | dev) == 50 and 10 < len(dev) < 30
    assert (found.n + found.n_held_out, found.rejected) == (200, {})


def test_memory_does_not_grow_with_the_file(paths: tuple[Path, Path]) -> None:
    def peak(n: int) -> int:
        given, out = paths[0].with_name(f"{n}.jsonl"), paths[1].with_name(f"{n}-out.jsonl")
        given.write_bytes(lines(*(GOOD | {"tail": f"tail {i}"} for i in range(n))))
        tracemalloc.start()
        take(given, out, "MIT", strict=True, held_out=0.0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(8000) < 1.2 * peak(2000)
