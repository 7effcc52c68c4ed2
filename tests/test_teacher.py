"""A teacher behind an endpoint: a real server of a tiny model, with faults injected on the way."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.corpora import corpus as corpora
from bench.corpora.rows import read_rows
from bench.teacher import ask, patience
from bench.types import Needs
from tests.teacher_server import (
    KEY,
    MODEL,
    PASSING,
    Proxy,
    free_port,
    question_of,
    serving,
)
from tests.tracks import toy_track

ROOT = Path(__file__).parent.parent
N = 8


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("hf")) as url:
        yield url


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    made = Proxy(server)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "BASE_S", 0.02)


def source_row(i: int) -> dict[str, Any]:
    return {
        "id": f"q{i}",
        "task": ("sums", "more_sums")[i // 2 % 2],
        "question": f"what is {i} plus {i}?",
        "options": [],
        "rationale": "the teacher before said so.",
        "answer": str(2 * i),
        "facts": [f"{i} and {i} are {2 * i}."],
    }


@pytest.fixture
def track(tmp_path: Path) -> Path:
    source = tmp_path / "source.jsonl"
    source.write_text("".join(f"{json.dumps(source_row(i))}\n" for i in range(N)))
    (tmp_path / "source.passages.jsonl").write_text('{"id": "0", "text": "a passage."}\n')
    path = tmp_path / "sums.toml"
    path.write_text(toy_track(corpus=str(source)))
    return path


@pytest.fixture
def build(proxy: Proxy, track: Path, tmp_path: Path) -> Callable[..., int]:
    def build(*more: str, out: str = "made.jsonl", url: str | None = None) -> int:
        return main(command(track, url or proxy.url, tmp_path / out, *more))

    return build


def command(track: Path, url: str, out: Path, *more: str) -> list[str]:
    wanted = {"--track": track, "--teacher": url, "--out": out, "--max-tokens": 4}
    wanted |= {"--model": MODEL, "--timeout": 30} | dict(zip(more[::2], more[1::2], strict=True))
    pairs = [[name, str(value)] for name, value in wanted.items() if value != "none"]
    return ["corpus", "build", *(word for pair in pairs for word in pair)]


def right(prompt: str, n: int = 0) -> str:
    """What a teacher that knows sums says, whichever part it is asked for."""
    question = question_of(prompt)
    i = int(re.findall(r"\d+", question)[0])
    if "Learning Summary:" in prompt:
        return f"**Learning Summary:** 1. add.\n**Supplementary Knowledge:** [1. {i} is a number.]"
    return f"Take {i} twice.\n{i} and {i} make it. Therefore, the answer is {2 * i}."


def journal_of(tmp_path: Path, out: str = "made") -> list[tuple[Any, ...]]:
    """The requests in a journal, in order."""
    lines = (tmp_path / f"{out}.journal.jsonl").read_text().splitlines()[1:]
    return [tuple(json.loads(line)[key] for key in ("id", "part", "n")) for line in lines]


def manifest_of(tmp_path: Path, out: str = "made") -> dict[str, Any]:
    return json.loads((tmp_path / f"{out}.json").read_text())


EACH_ONCE = {(f"q{i}", part, 0) for i in range(N) for part in ("rationale", "knowledge")}


# ------------------------------------------------------------ a corpus


def test_a_teacher_that_is_right_makes_a_corpus_that_check_accepts(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proxy.answer = right
    assert build("--prompt-price", "2", "--completion-price", "8") == 0
    said = capsys.readouterr().out
    assert "made.jsonl: 8 rows of 8 questions\n" in said
    rows = read_rows(tmp_path / "made.jsonl")
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(N)]
    assert rows[3] == {
        **source_row(3),
        "rationale": "Take 3 twice.\n3 and 3 make it.",
        "rationales": [],
        "summary": "1. add.",
        "supplementary": "1. 3 is a number.",
    }
    assert main(["corpus", "check", str(tmp_path / "made.jsonl")]) == 0
    said += capsys.readouterr().out
    assert "8 good rows, 8 with knowledge, 0 further rationales, 1 passages, with a manif" in said
    made = corpora.obtain(str(tmp_path / "made.jsonl"), tmp_path, world=0, data_dir=None)
    assert made.passages == ["a passage."]
    assert corpora.check_needs(made, Needs(train_knowledge=True, passages=1)) is None
    manifest = manifest_of(tmp_path)
    assert manifest["sha256"] == made.sha256
    assert (manifest["n"], manifest["asked"], manifest["rejected"]) == (N, N, 0)
    assert manifest["teacher"] == f"{MODEL} ({proxy.url})"
    ledger = manifest["ledger"]
    assert ledger["requests"] == {"rationale": N, "knowledge": N}
    assert ledger["completion_tokens"] == 4 * 2 * N and ledger["estimated_requests"] == 0
    paid = (2 * ledger["prompt_tokens"] + 8 * ledger["completion_tokens"]) / 1e6
    assert ledger["cost"] == pytest.approx(paid) and f"cost {paid:.4f}" in said


def test_the_sampling_and_the_key_reach_the_server_and_the_key_no_file(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    proxy.answer = right
    proxy.fault = lambda prompt, attempt: (
        "500" if question_of(prompt).startswith("what is 5") else ""
    )
    assert build("--retries", "0", "--temperature", "0.3") == 3
    assert proxy.keys == {f"Bearer {KEY}"}
    assert all(r["temperature"] == 0.3 and r["max_tokens"] == 4 for r in proxy.requests)
    captured = capsys.readouterr()
    assert "q5 is left: status 500: a fault, ***" in captured.err
    proxy.fault = lambda prompt, attempt: ""
    assert build("--temperature", "0.3") == 0
    captured = capsys.readouterr()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"made.jsonl", "made.json", "made.journal.jsonl"} <= {path.name for path in files}
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    assert KEY not in captured.out + captured.err


def test_credentials_in_a_url_are_not_written(
    build: Callable[..., int], proxy: Proxy, tmp_path: Path
) -> None:
    proxy.answer = right
    assert build("--limit", "1", url=proxy.url.replace("//", "//me:secret@")) == 0
    assert manifest_of(tmp_path)["teacher"] == f"{MODEL} ({proxy.url})"
    assert not any(b"secret" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_only_right_rationales_are_kept_and_the_rest_is_counted(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three samples a question; what the first questions are told, by attempt."""
    ends = "Therefore, the answer is"
    told = {
        0: [f"a {ends} 0.", f"b {ends} 0", f"c {ends} 1."],
        1: [f"a {ends} 3.", "no idea", " "],
        2: [f"a {ends} 4.", f"a {ends} 4.", f"{ends} 4."],
        3: ["so 6", f"b {ends} 6.", f"c {ends} 6. {ends} 6."],
    }

    def answer(prompt: str, n: int) -> str | None:
        i = int(re.findall(r"\d+", question_of(prompt))[0])
        if "Learning Summary:" in prompt:
            return right(prompt) if i != 2 or n else "Learning Summary: only this."
        return told[i][n]

    proxy.answer = answer
    assert build("--rationales", "3", "--limit", "4", "--concurrency", "2") == 0
    rows = {row["id"]: row for row in read_rows(tmp_path / "made.jsonl")}
    kept = {i: [row["rationale"], *row["rationales"]] for i, row in rows.items()}
    assert kept == {"q0": ["a", "b"], "q2": ["a"], "q3": ["b", "c"]}
    manifest = manifest_of(tmp_path)
    assert manifest["rejected_replies"] == {
        "rationale": {"wrong answer": 2, "no answer found": 2, "empty": 2, "repeated": 1},
        "knowledge": {"no supplementary knowledge": 1},
    }
    assert manifest["left_out"] == {"no right rationale": 1}
    assert (manifest["n"], manifest["asked"], manifest["rejected"]) == (3, 4, 1)
    assert manifest["teacher_tokens"]["further"] == 2
    asked = Counter((i, part) for i, part, _ in journal_of(tmp_path))
    assert asked[("q2", "knowledge")] == 2 and ("q1", "knowledge") not in asked
    assert "left out: no right rationale 1" in capsys.readouterr().out


def test_a_teacher_that_babbles_makes_no_corpus(
    build: Callable[..., int],
    server: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The real replies of a random model: all are cut, none is kept, nothing is asked again."""
    assert build("--limit", "3", "--model", "none", url=server) == 1
    captured = capsys.readouterr()
    assert "rejected rationale: cut at max tokens 3" in captured.out
    assert "no right rationale 3" in captured.err
    assert not (tmp_path / "made.jsonl").exists()
    assert build("--limit", "3", "--model", "none", url=server) == 1
    assert len(journal_of(tmp_path)) == 3


# ------------------------------------------------------------ faults


@pytest.fixture
def faultless(build: Callable[..., int], proxy: Proxy, tmp_path: Path) -> bytes:
    """The corpus of a run in which nothing went wrong."""
    proxy.answer = right
    assert build(out="faultless.jsonl") == 0
    proxy.attempts.clear()
    return (tmp_path / "faultless.jsonl").read_bytes()


def test_faults_that_pass_change_nothing(
    build: Callable[..., int], proxy: Proxy, tmp_path: Path, faultless: bytes
) -> None:
    """Each request meets another fault first, and every third a second one."""
    order = {prompt: k for k, prompt in enumerate(sorted(proxy.answered))}

    def fault(prompt: str, attempt: int) -> str:
        k = order[prompt]
        return PASSING[(k + attempt) % len(PASSING)] if attempt <= (k % 3 == 0) else ""

    proxy.fault = fault
    assert build("--retries", "3") == 0
    assert (tmp_path / "made.jsonl").read_bytes() == faultless
    made = journal_of(tmp_path)
    assert set(made) == EACH_ONCE and len(made) == len(EACH_ONCE)
    assert set(proxy.attempts.values()) == {2, 3}
    assert manifest_of(tmp_path)["ledger"] == manifest_of(tmp_path, "faultless")["ledger"]


def test_a_slow_reply_is_not_waited_for(
    build: Callable[..., int], proxy: Proxy, tmp_path: Path, faultless: bytes
) -> None:
    proxy.fault = lambda prompt, attempt: "" if attempt else "slow"
    assert build("--timeout", "1", "--limit", "2") == 0
    assert set(proxy.attempts.values()) == {2}
    assert len(journal_of(tmp_path)) == 4


def test_a_server_that_asks_to_wait_is_not_asked_before(
    build: Callable[..., int], proxy: Proxy
) -> None:
    proxy.answer = right
    times = list[float]()

    def fault(prompt: str, attempt: int) -> str:
        times.append(time.monotonic())
        return "" if attempt else "429"

    proxy.fault = fault
    assert build("--limit", "1", "--concurrency", "1") == 0
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 3 and waits[0] >= 0.3 and waits[2] >= 0.3


def test_a_run_that_is_killed_goes_on_and_loses_only_what_was_under_way(
    build: Callable[..., int],
    proxy: Proxy,
    track: Path,
    tmp_path: Path,
    faultless: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed twice by SIGKILL amid faults, a line torn in between; then run to the end."""
    proxy.fault = lambda prompt, attempt: "drop" if len(prompt) % 3 == 0 and not attempt else ""
    path = tmp_path / "made.journal.jsonl"
    proxy.answered.clear()
    slowly = ("--concurrency", "2", "--rate-limit", "900")
    for stop_at in (3, 7):
        arguments = command(track, proxy.url, tmp_path / "made.jsonl", *slowly)
        process = subprocess.Popen([sys.executable, "-m", "bench", *arguments], cwd=ROOT)
        for _ in range(3000):
            if path.exists() and path.read_bytes().count(b"\n") > stop_at:
                break
            assert process.poll() is None, "finished before it was killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        with path.open("ab") as file:
            file.write(b'{"id": "q7", "part": "rationale", "n": 0, "text": "half a li')
    assert 7 < path.read_bytes().count(b"\n") <= len(EACH_ONCE)
    assert build() == 0
    made = journal_of(tmp_path)
    assert set(made) == EACH_ONCE and len(made) == len(EACH_ONCE)
    assert (tmp_path / "made.jsonl").read_bytes() == faultless
    assert proxy.answered.total() <= len(EACH_ONCE) + 2 * 2, "more was asked twice than was lost"
    assert main(["corpus", "check", str(tmp_path / "made.jsonl")]) == 0
    asked = proxy.attempts.total()
    capsys.readouterr()
    assert build() == 0
    assert "it was finished before, nothing was asked" in capsys.readouterr().out
    assert proxy.attempts.total() == asked


def test_a_finished_corpus_needs_no_server(
    build: Callable[..., int], proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.answer = right
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    assert build("--limit", "2", "--model", "none") == 0
    assert build("--limit", "2", "--model", "none", url=nobody) == 0
    assert build("--limit", "3", "--model", "none", url=nobody) == 3
    assert "is the server running?" in capsys.readouterr().err


def test_two_processes_share_the_work_without_doubling_it(
    proxy: Proxy, track: Path, tmp_path: Path
) -> None:
    proxy.answer = right
    arguments = command(track, proxy.url, tmp_path / "made.jsonl")
    processes = [
        subprocess.Popen([sys.executable, "-m", "bench", *arguments], cwd=ROOT) for _ in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(journal_of(tmp_path)) == len(EACH_ONCE) == proxy.answered.total()


# ------------------------------------------------------------ what people are told


@pytest.mark.parametrize(
    ("fault", "hint", "attempts"),
    [
        ("401", "OPENAI_API_KEY is refused", 1),
        ("404", f"'{MODEL}'", 1),
        ("429 for an hour", "3600 s", 1),
        ("400", "status 400: a fault", 1),
        ("500", "status 500: a fault, ***; 3 attempts", 3),
        ("garbage", "question q0 is left: a reply that is no completion", 3),
        ("drop", "question q0 is left: the connection failed", 3),
    ],
)
def test_a_fault_that_stays_leaves_the_question_and_exits_with_three(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    hint: str,
    attempts: int,
) -> None:
    proxy.fault = lambda prompt, attempt: fault
    assert build("--limit", "1", "--retries", "2") == 3
    said = capsys.readouterr().err
    assert hint in said and KEY not in said
    assert "1 questions are open, 0 requests" in said
    assert proxy.attempts.total() == attempts
    assert journal_of(tmp_path) == [] and not (tmp_path / "made.jsonl").exists()


def test_without_a_key_a_refusal_says_so(
    build: Callable[..., int],
    proxy: Proxy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    proxy.fault = lambda prompt, attempt: "401"
    assert build("--limit", "1") == 3
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().err


def test_where_nobody_listens_it_is_told_at_once(
    build: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for model in (MODEL, "none"):
        url = f"http://127.0.0.1:{free_port()}/v1"
        assert build("--model", model, url=url) == 3
        assert f"nothing answers at {url}" in capsys.readouterr().err


def test_a_server_that_fails_on_and_on_is_given_a_rest(
    build: Callable[..., int], proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.fault = lambda prompt, attempt: "500"
    assert build("--retries", "1", "--concurrency", "1") == 3
    assert "stopped: 5 questions" in capsys.readouterr().err
    assert proxy.attempts.total() == 2 * ask.GIVE_UP_AFTER


def test_the_model_is_chosen_where_there_is_one_and_a_wrong_name_is_told(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy.answer = right
    monkeypatch.chdir(tmp_path)
    assert build("--model", "none", "--limit", "1", "--out", "none") == 0
    assert manifest_of(tmp_path, "sums-skbench-tiny")["settings"]["model"] == MODEL
    assert build("--model", "another", out="other.jsonl") == 3
    assert "Server is pinned to 'skbench/tiny'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("--temperature", "0.2"), "temperature .*0.8.* 0.2"),
        (("--rationales", "2"), "rationales .*1.* 2"),
        (("--model", "other"), f"model .*{MODEL}.* other"),
        (("--max-tokens", "9"), "max_tokens .*4.* 9"),
    ],
)
def test_a_journal_with_other_settings_is_refused(
    build: Callable[..., int],
    proxy: Proxy,
    capsys: pytest.CaptureFixture[str],
    changed: tuple[str, ...],
    told: str,
) -> None:
    proxy.answer = right
    assert build("--limit", "1") == 0
    asked = proxy.attempts.total()
    assert build("--limit", "1", *changed) == 2
    said = capsys.readouterr().err
    assert re.search(rf"made\.journal\.jsonl .*: {told}", said)
    assert proxy.attempts.total() == asked


def test_other_questions_or_other_prompts_are_other_settings(
    build: Callable[..., int],
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy.answer = right
    assert build("--limit", "1") == 0
    with monkeypatch.context() as patch:
        patch.setattr(ask, "PROMPT_SHA256", "another")
        assert build("--limit", "1") == 2
    assert "prompt_sha256" in capsys.readouterr().err
    with (tmp_path / "source.jsonl").open("a") as file:
        file.write(json.dumps(source_row(N)) + "\n")
    assert build("--limit", "1") == 2
    assert "corpus_sha256" in capsys.readouterr().err


def test_a_larger_limit_goes_on_from_a_smaller_one(
    build: Callable[..., int], proxy: Proxy, tmp_path: Path
) -> None:
    proxy.answer = right
    assert build("--limit", "2") == 0
    assert {row["task"] for row in read_rows(tmp_path / "made.jsonl")} == {"sums", "more_sums"}
    asked = proxy.attempts.total()
    assert build("--limit", "5") == 0
    assert proxy.attempts.total() == asked + 6 and len(read_rows(tmp_path / "made.jsonl")) == 5


def test_a_file_that_no_journal_made_is_not_overwritten(
    build: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made.jsonl").write_text("mine\n")
    assert build() == 2
    assert str(tmp_path / "made.jsonl") in (said := capsys.readouterr().err)
    assert "made.journal.jsonl" in said
    assert (tmp_path / "made.jsonl").read_text() == "mine\n"
