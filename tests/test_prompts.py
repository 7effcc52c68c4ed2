"""The verb `prompts`: what stands under a row's name is of that row."""

import json

import pytest

from bench.__main__ import main


@pytest.mark.parametrize(
    ("label", "source"), [("comet", "human"), ("comet_distil", "machine")], ids=str
)
def test_a_method_that_accepts_some_rows_is_shown_on_those(
    label: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prompts", "pocket-commonsense", "--methods", label, "--rows", "3", "--json"]
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown) == 6
    for each in shown:
        written_by, event, _, tail = each["row"].split("/", 5)[2:]
        assert written_by == source and each["prompt"].startswith(f"{event}. ")
        assert each.get("target", f" {tail}") == f" {tail}"


def test_a_row_that_asks_no_student_has_no_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prompts", "pocket-commonsense", "--methods", "loose_teacher", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == []
