"""The verbs on corpus files: check names every bad line, import every line it cannot take."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.corpora import corpus as corpora
from bench.corpora.corpus import obtain
from bench.corpora.rows import CorpusError, read_rows
from tests.test_corpus import REQUIRED

TESTS = str(Path(__file__).parent)
ROW: dict[str, Any] = {
    "id": "a",
    "task": "chain",
    "question": "start 1, do seko?",
    "options": [],
    "rationale": "seko adds 1: 1 becomes 2.",
    "answer": "2",
    "summary": "read the words in turn.",
    "supplementary": "seko adds 1.",
    "rationales": ["1 becomes 2."],
    "facts": ["seko adds 1."],
}
PLAIN = {key: ROW[key] for key in ("question", "rationale", "answer")}
BAD: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    ("", "not JSON"),
    ([1], "expected an object, got list"),
    (b'{"id": "\xff"}', "not JSON"),
    *((ROW | {key: None}, f"{key} must") for key in REQUIRED),
    (ROW | {"answer": 2}, "answer must"),
    (ROW | {"question": " \n"}, "question must"),
    (ROW | {"summary": ["x"]}, "summary must"),
    (ROW | {"supplementary": 1}, "supplementary must"),
    (ROW | {"options": "red"}, "options must"),
    (ROW | {"options": [1]}, "options.0 must"),
    (ROW | {"rationales": "x"}, "rationales must"),
    (ROW | {"facts": [1]}, "facts.0 must"),
    (ROW | {"question": "\ud800"}, "not JSON"),
    ("[" * 100_000, "not JSON"),
    ('{"id": ' + "1" * 5000 + "}", "not JSON"),
]
BAD_HERE: list[tuple[Any, str]] = [
    (ROW | {"rationales": [""]}, "rationales.0 must"),
    (
        ROW | {"rationale": "so. Therefore, the answer is 2."},
        "a rationale ends in its concluding sentence",
    ),
    (
        ROW | {"rationales": ["so. Therefore, the answer is 2"]},
        "a rationale ends in its concluding sentence",
    ),
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: Any, name: str = "own.jsonl") -> Path:
        path = tmp_path / name
        texts = [line if isinstance(line, str | bytes) else json.dumps(line) for line in lines]
        raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
        path.write_bytes(b"".join(line + b"\n" for line in raw))
        return path

    return write


@pytest.fixture
def skbench(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code and all that `skbench corpus ..` says."""

    def skbench(*arguments: Any) -> tuple[int, str]:
        code = main(["corpus", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return skbench


def renamed(line: Any, name: str) -> Any:
    return line | {"id": name} if isinstance(line, dict) and line.get("id") else line


# ------------------------------------------------------------ check


def test_check_names_every_bad_line(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]]
) -> None:
    bad = [*BAD, *BAD_HERE, (renamed(ROW, "a"), "id 'a' occurs twice")]
    lines = [renamed(line, f"b{n}") for n, (line, _) in enumerate(bad[:-1])]
    path = write(ROW, *lines, ROW, renamed(ROW, "c"))
    code, said = skbench("check", path)
    told = said.splitlines()
    assert code == 1 and len(told) == len(bad) + 1
    for number, ((_, what), line) in enumerate(zip(bad, told, strict=False), 2):
        assert line.startswith(f"{path}:{number}: {what}"), line
    assert told[-1].startswith(f"{path}: 2 good rows, 2 with knowledge, 2 further rationales, 0 pa")
    assert told[-1].endswith(f"; {len(bad)} faults")


@pytest.mark.parametrize(("line", "what"), BAD)
def test_check_and_the_reader_refuse_the_same_lines_with_the_same_words(
    write: Callable[..., Path],
    skbench: Callable[..., tuple[int, str]],
    line: Any,
    what: str,
) -> None:
    path = write(ROW, renamed(line, "b"))
    with pytest.raises(CorpusError) as caught:
        read_rows(path)
    assert str(caught.value) == skbench("check", path)[1].splitlines()[0]


def test_a_good_corpus_is_fine_and_an_empty_or_missing_one_is_not(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    bare = {key: ROW[key] for key in REQUIRED}
    path = write(ROW, bare | {"id": "b"})
    write({"id": "0", "text": "a passage."}, name="own.passages.jsonl")
    assert skbench("check", path) == (
        0,
        f"{path}: 2 good rows, 1 with knowledge, 1 further rationales, 1 passages,"
        " without a manifest; 0 faults\n",
    )
    code, said = skbench("check", write(name="empty.jsonl"))
    assert code == 1 and "empty.jsonl: no rows" in said
    assert skbench("check", tmp_path / "none.jsonl") == (
        2,
        f"skbench: {tmp_path}/none.jsonl: no such file\n",
    )


def test_bad_passages_are_named_too(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]]
) -> None:
    path = write(ROW)
    passages = write({"text": "good"}, {"text": ""}, "{", name="own.passages.jsonl")
    code, said = skbench("check", path)
    assert code == 1
    assert f"{passages}:2: text must" in said and f"{passages}:3: not JSON" in said


@pytest.mark.parametrize("part", ["labels", "drafts"])
def test_what_else_lies_beside_a_corpus_is_checked_as_a_run_reads_it(
    part: str, write: Callable[..., Path], skbench: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    path = write(ROW)
    bad = write({"head": "a dog"}, name=f"own.{part}.jsonl")
    code, said = skbench("check", path)
    assert code == 1 and f"{bad}:1: missing key 'relation'" in said
    with pytest.raises(CorpusError, match=f"own.{part}.jsonl:1: missing key .relation"):
        obtain(str(path), tmp_path, world=0, data_dir=None)
    bad.unlink()
    (tmp_path / "own.json").write_text(json.dumps({f"n_{part}": 3, f"{part}_sha256": "0"}))
    code, said = skbench("check", path)
    assert code == 1 and f"n_{part} is 3, the corpus has 0" in said and "_sha256 is '0'" in said


def test_a_corpus_that_its_manifest_does_not_describe_is_a_fault(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    source, out = write(PLAIN, name="in.jsonl"), tmp_path / "out.jsonl"
    assert skbench("import", source, "--out", out)[0] == 0
    assert skbench("check", out)[0] == 0
    out.write_text(out.read_text().replace("becomes 2", "becomes two"))
    code, said = skbench("check", out)
    assert code == 1 and "out.json: sha256 is" in said and "n is" not in said
    out.write_text(out.read_text() + json.dumps(ROW | {"id": "more"}) + "\n")
    assert "out.json: n is 1, the corpus has 2" in skbench("check", out)[1]
    (tmp_path / "out.json").write_text("{")
    assert "out.json: not JSON" in skbench("check", out)[1]


def test_check_accepts_the_corpora_that_the_generators_make(
    skbench: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "made.jsonl"
    code, said = skbench("build", "--teacher", "pocket-100", "--out", out)
    assert (code, said) == (0, f"{out}: 100 rows\n")
    code, said = skbench("check", out)
    assert code == 0 and "100 good rows, 100 with knowledge" in said and "with a manifest" in said
    manifest = json.loads((tmp_path / "made.json").read_text())
    pinned = json.loads((corpora.TASKS / "corpora" / "pocket-100.json").read_text())
    for key in ("sha256", "n", "asked", "rejected", "teacher", "teacher_tokens", "licence"):
        assert manifest[key] == pinned[key]
    assert skbench("build", "--teacher", "pocket-100", "--out", out) == (
        0,
        f"{out}: 100 rows, as it was\n",
    )
    monkeypatch.chdir(tmp_path)
    assert skbench("build", "--teacher", "pocket-100") == (0, "pocket-100.jsonl: 100 rows\n")
    assert (tmp_path / "pocket-100.jsonl").read_bytes() == out.read_bytes()
    out.write_text("mine\n")
    assert skbench("build", "--teacher", "pocket-100", "--out", out)[0] == 2
    assert out.read_text() == "mine\n"


# ------------------------------------------------------------ import


def test_plain_lines_become_a_corpus(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    conclusion = "Therefore, the answer is"
    path = write(
        b"\xef\xbb\xbf" + json.dumps(PLAIN | {"knowledge": "add.", "score": 1}).encode(),
        "",
        PLAIN | {"knowledge": "Learning Summary: s\nSupplementary Knowledge: k", "answer": 2},
        ROW | {"id": 7, "rationale": f"so. {conclusion} 2.\n", "rationales": [f"x {conclusion} 2"]},
        PLAIN | {"rationale": f"not: {conclusion} 3. But then it is 2.", "summary": "s"},
        json.dumps(PLAIN) + "\r",
        name="in.jsonl",
    )
    out = tmp_path / "out.jsonl"
    code, said = skbench("import", path, "--out", out, "--licence", "CC0")
    assert (code, said) == (0, f"{out}: 5 rows; fields not taken: score\n")
    rows = read_rows(out)
    assert [row["id"] for row in rows] == ["in/1", "in/3", "7", "in/5", "in/6"]
    assert [row["task"] for row in rows] == ["in", "in", "chain", "in", "in"]
    found = [(row["summary"], row["supplementary"]) for row in rows]
    own = (ROW["summary"], ROW["supplementary"])
    assert found == [("add.", None), ("s", "k"), own, ("s", None), (None, None)]
    assert rows[1]["answer"] == "2" and rows[2]["facts"] == ROW["facts"]
    assert (rows[2]["rationale"], rows[2]["rationales"]) == ("so.", ["x"])
    assert rows[3]["rationale"].endswith("But then it is 2.")
    assert skbench("check", out)[0] == 0
    manifest = json.loads((tmp_path / "out.json").read_text())
    assert (manifest["n"], manifest["licence"]) == (5, "CC0")
    assert manifest["teacher_tokens"]["further"] == 1
    assert manifest["source"].startswith("in.jsonl, sha256 ")
    assert skbench("import", path, "--out", out)[1].startswith(f"{out}: 5 rows, as it was")


def test_nothing_beside_an_earlier_corpus_of_the_name_goes_with_the_new_one(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    words = ["--out", str(out)]
    assert main(["corpus", "import", str(write(ROW)), *words, "--passages", "facts"]) == 0
    assert main(["corpus", "import", str(write(PLAIN)), *words]) == 2
    out.unlink()
    assert main(["corpus", "import", str(write(PLAIN)), *words]) == 0
    assert not corpora.obtain(str(out), tmp_path, world=0, data_dir=None).passages


def test_import_names_every_bad_line_and_writes_nothing(
    write: Callable[..., Path], skbench: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    bad = [
        ("{", "not JSON"),
        ([1], "expected an object, got list"),
        (PLAIN | {"question": None}, "question must"),
        ({"question": "a?"}, "rationale must"),
        (PLAIN | {"answer": True}, "answer must"),
        (PLAIN | {"answer": float("nan")}, "not JSON"),
        (PLAIN | {"rationale": "\udc00"}, "not JSON"),
        (PLAIN | {"knowledge": ["x"]}, "'knowledge' must be a text or null"),
        (PLAIN | {"knowledge": "x", "summary": "y"}, "give 'knowledge', or 'summary' and"),
        (PLAIN | {"summary": 3}, "summary must"),
        (
            PLAIN | {"rationale": "so. Therefore, the answer is 3."},
            "a rationale concludes '3.', the answer is '2'",
        ),
        (
            PLAIN | {"rationale": "Therefore, the answer is 2."},
            "a rationale is nothing but its concluding sentence",
        ),
        (PLAIN | {"id": "twice"}, "id 'twice' occurs twice"),
    ]
    path = write(PLAIN | {"id": "twice"}, *(line for line, _ in bad), name="in.jsonl")
    code, said = skbench("import", path, "--out", tmp_path / "out.jsonl")
    told = said.splitlines()
    assert code == 1 and len(told) == len(bad) + 1 and told[-1] == "13 bad lines, nothing written"
    for number, ((_, what), line) in enumerate(zip(bad, told, strict=False), 2):
        assert line.startswith(f"{path}:{number}: {what}"), line
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["in.jsonl"]


# ------------------------------------------------------------ slips


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["import", "IN", "--out", "out.txt"], "a corpus is a file that ends in .jsonl"),
        (["import", "none.jsonl", "--out", "out.jsonl"], "none.jsonl: no such file"),
        (["build", "--teacher", "pockett"], "give --track"),
        (["build", "--teacher", "pocket", "--out", "x"], "ends in .jsonl"),
        (["build", "--teacher", "pocket", "--model", "m"], "'pocket' is a generator"),
        (
            ["build", "--teacher", "pockett", "--track", "pocket-100"],
            "no URL, no folder and no generator: did you mean 'pocket'?",
        ),
        (["build", "--teacher", TESTS, "--track", "pocket-100"], "no config.json there"),
        (
            ["build", "--teacher", TESTS, "--track", "pocket-100", "--model", "m"],
            "--model is for an endpoint",
        ),
        (["build", "--teacher", "ftp://x/v1", "--track", "pocket-100"], "expected http(s)://"),
        (["build", "--teacher", TESTS, "--track", "pokket"], "did you mean 'pocket'?"),
        (
            ["build", "--teacher", TESTS, "--track", "pocket-100", "--prompt-price", "1"],
            "give both --prompt-price and --completion-price",
        ),
    ],
)
def test_a_slip_is_told_in_one_line(
    skbench: Callable[..., tuple[int, str]], arguments: list[str], hint: str
) -> None:
    code, said = skbench(*arguments)
    assert code == 2 and said.count("\n") == 1 and hint in said


@pytest.mark.parametrize(
    "words", ["--limit 0", "--retries -1", "--timeout 0", "--rate-limit nan", "--max-tokens 1.5"]
)
def test_a_number_out_of_range_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["corpus", "build", "--teacher", "pocket", *words.split()])
    assert caught.value.code == 2 and "expected a" in capsys.readouterr().err
