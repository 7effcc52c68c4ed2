"""What the project's workflows run: commands that there are, on files that there are."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.__main__ import _parser
from leaderboard.store import board

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROGRAM = ".venv/bin/skbench"
REPRODUCED = "pocket-100"


def commands(workflow: Path, program: str = PROGRAM) -> list[list[str]]:
    """The words of each command of that program."""
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    lines = [
        line
        for job in jobs.values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
    ]
    return [words for line in lines if (words := shlex.split(line))[:1] == [program]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_of_a_workflow_parses(workflow: Path) -> None:
    found, made = commands(workflow), commands(workflow, "make")
    assert made if workflow.stem == "slow" else found
    for words in found:
        assert callable(_parser().parse_args(words[1:]).run)
    targets = re.findall(r"^([\w/.-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for _, *words in made:
        assert set(words) <= set(targets)


def test_one_record_of_each_row_of_the_newest_suite_is_run_again() -> None:
    words = commands(ROOT / ".github" / "workflows" / "reruns.yml")
    assert {each[1] for each in words} == {"reproduce"}
    named = [(ROOT / each[2]).resolve() for each in words]
    records = board.load_files(REPRODUCED, board.suite(board.PUBLISHED, REPRODUCED))
    ran = {path: record.label for path, record in records.items() if record.kind == "student"}
    assert sorted(ran[path] for path in named) == sorted(set(ran.values()))


def test_a_row_that_is_not_reproduced_fails_the_job_and_hides_no_other() -> None:
    """A step of its own for each, none of which is let off."""
    (job,) = yaml.safe_load((ROOT / ".github/workflows/reruns.yml").read_text())["jobs"].values()
    steps = [step for step in job["steps"] if " reproduce " in step.get("run", "")]
    for step in steps:
        assert (step["if"], len(step["run"].splitlines())) == ("${{ !cancelled() }}", 1)
        assert "continue-on-error" not in step
