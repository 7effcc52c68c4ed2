"""Long work says how far it is: lines where stderr is no terminal, tqdm's bars where it is one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from bench.__main__ import main
from tests.test_layers import MODULES, ROOT, imported
from tests.test_run import TRACK

FAR = r"\d+/{} {}s \(\d+ %\), after \d\d:\d\d, about (\d\d:\d\d|\?) left"
"""How far, of how many, and how long it will still take."""


def lines(*arguments: str, every_s: str = "0.02") -> list[str]:
    """What a process writes on stderr that is no terminal."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"TQDM_MAXINTERVAL": every_s},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


def lines_of(code: str, *, every_s: str = "0.1") -> list[str]:
    head = "from bench.ground.bars import Bar, about, stage\nfrom time import sleep\n"
    return lines("-c", head + code, every_s=every_s)


def matching(pattern: str, told: list[str]) -> list[str]:
    return [line for line in told if re.fullmatch(pattern, line)]


# ------------------------------------------------------------ a run


def test_a_run_without_a_terminal_says_how_far_training_and_generation_are(tmp_path: Path) -> None:
    track = tmp_path / "own.toml"
    track.write_text(TRACK.replace("max_new_tokens = 4", "max_new_tokens = 64"))
    told = lines("-m", "bench", "run", str(track), "--methods", "std_cot,zero_shot")
    assert not [line for line in told if "\r" in line]
    training = FAR.format(25, "step") + r", loss=\d+\.\d{3}"
    assert len(matching(rf"\[1/2\] std_cot seed 0, training: {training}", told)) > 1
    generating = FAR.format(r"\d+", "prompt")
    for name in (r"\[1/2\] std_cot seed 0", r"\[2/2\] zero_shot seed 0"):
        assert len(matching(f"{name}, generating: {generating}", told)) > 1
        assert matching(rf"{name}, generating: [1-9]\d*/.*", told)
        assert matching(f"{name}, loading questions and student, after .*", told)
        assert matching(f"{name}, timing: {FAR.format(4, 'prompt')}", told)


def test_a_run_ends_with_the_folder_of_each_row(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = tmp_path / "own.toml"
    track.write_text(TRACK)
    words = ["run", str(track), "--methods", "std_cot,zero_shot", "--limit", "2"]
    for _ in ("made", "found"):
        assert main(words) == 0
        *_, trained, asked = capsys.readouterr().out.splitlines()
        assert trained.startswith("std_cot seed 0: ")
        assert asked.startswith("zero_shot seed 0: ")
    folder = Path(trained.removeprefix("std_cot seed 0: "))
    assert (folder / "weights").is_dir() and folder.is_absolute()
    assert list(Path(asked.removeprefix("zero_shot seed 0: ")).glob("samples-*.jsonl"))
    assert main(["export-student", str(folder), str(tmp_path / "student")]) == 0
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    assert str(home) not in capsys.readouterr().out


# ------------------------------------------------------------ lines


def test_a_single_step_that_lasts_longer_than_the_interval_has_its_lines() -> None:
    told = lines_of("for _ in Bar(range(2), what='training'): sleep(0.45)")
    assert len(matching(r"training: 0/2 steps \(0 %\), after 00:00, about \? left", told)) >= 2
    assert len(matching(r"training: 1/2 steps \(50 %\), after 00:00, .* left", told)) >= 2
    assert told[-1] == "training: 2/2 steps (100 %), after 00:00, about 00:00 left"


def test_work_that_is_done_before_the_first_line_is_due_says_nothing() -> None:
    assert not lines_of("for _ in Bar(range(3), what='training'): sleep(0.01)", every_s="5")


def test_lines_come_no_more_often_than_every_interval() -> None:
    told = lines_of("for _ in Bar(range(1000), what='training'): sleep(0.001)", every_s="0.5")
    assert 1 <= len(told) <= 5


def test_many_short_pieces_of_a_long_work_have_lines_that_name_both() -> None:
    told = lines_of(
        "with about('[1/2] std_cot seed 0'):\n"
        "    for _ in range(20):\n"
        "        for _ in Bar(range(5), what='generating'): sleep(0.01)\n"
        "    with stage('loading'): sleep(0.3)\n"
        "    sleep(0.3)\n"
    )
    assert matching(rf"\[1/2\] std_cot seed 0, generating: {FAR.format(5, 'step')}", told)
    assert matching(r"\[1/2\] std_cot seed 0, loading, after 00:\d\d", told)
    assert matching(r"\[1/2\] std_cot seed 0, after 00:\d\d", told)


def test_a_bar_that_was_left_by_an_error_says_nothing_more() -> None:
    told = lines_of(
        "try:\n"
        "    for i in Bar(range(9), what='training'): sleep(0.15); 1 // (i - 3)\n"
        "except ZeroDivisionError: pass\n"
        "print('over', file=__import__('sys').stderr); sleep(0.4)\n"
    )
    assert told[-1] == "over" and len(told) > 2


def test_bytes_are_counted_in_thousands_and_a_part_thrown_away_is_taken_back() -> None:
    told = lines_of(
        "with Bar(total=2 * 10**6, what='data', unit='byte', unit_scale=True) as bar:\n"
        "    bar.update(1_500_000); bar.update(-500_000); sleep(0.25)\n"
    )
    assert told[0].startswith("data: 1.00M/2.00M bytes (50 %), after 00:00, about ")


def test_tqdm_can_be_turned_off_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert not lines_of("for _ in Bar(range(3), what='training'): sleep(0.15)")


# ------------------------------------------------------------ a terminal


def drawn(code: str, **environment: str) -> str:
    """What a process draws on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    head = "from bench.ground.bars import Bar, about, stage\nfrom time import sleep\n"
    environment = os.environ | {"TQDM_MAXINTERVAL": "0.1"} | environment
    command = [sys.executable, "-c", head + code]
    subprocess.run(command, env=environment, cwd=ROOT, stderr=theirs, check=True)
    os.close(theirs)
    found = b""
    while True:
        try:
            found += os.read(ours, 2**16)
        except OSError:  # all is read
            os.close(ours)
            return found.decode()


WORK = "with about('std_cot seed 0'):\n    for _ in Bar(range(2), what='training'): sleep(0.45)\n"


def test_on_a_terminal_there_is_one_bar_that_moves_within_a_long_step() -> None:
    found = drawn(WORK)
    assert "\n" not in found
    assert found.count("std_cot seed 0, training:   0%|") >= 4
    assert "| 1/2 [00:00<00:00" in found


def test_on_a_terminal_each_of_several_processes_has_a_line_of_its_own() -> None:
    assert drawn(WORK, TQDM_POSITION="2").startswith("\r\n\r\n")


# ------------------------------------------------------------ all of it


def test_every_bar_is_one_of_these() -> None:
    of_tqdm = {name for name, path in MODULES.items() if "tqdm" in imported(path)}
    assert of_tqdm == {"bench.ground.bars"}
