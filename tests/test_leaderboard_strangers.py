"""What a stranger wrote into a record stays text: in tables, pages, spreadsheets, on terminals."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from leaderboard.rows.rank import rows
from leaderboard.show.card import results
from leaderboard.show.exporting import Shown, export
from leaderboard.show.pictures import map_svg
from leaderboard.show.render import detail, legend, table
from leaderboard.show.rendering import render_all
from leaderboard.stats.formats import escaped, tabulated
from leaderboard.store.maps import Point, Side, Sweep, World
from leaderboard.store.reading import RecordError
from leaderboard.verify.tree import Fault
from tests.leaderboard_records import record, save

MARKUP = [
    "a | b", "<script>alert(1)</script>", "[here](https://example.org)",
    "![x](https://example.org/x.png)", "![x][y]", "[x]: y", "`code`", "*bold*", "$x$",
    "https://example.org", "www.example.org", "a\nb | c", "\\|", "&lt;b&gt;",
    "mailto:x@example.org",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_a_text_cannot_leave_its_cell_in_markdown(text):
    lines = tabulated(("method", text), [[text, "1"]], "markdown").splitlines()
    assert len(lines) == 3
    for line in (lines[0], lines[2]):
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3, "as many bars as of two cells"
        assert not re.search(r"<|://|www\.|(?<!\\)(\]\(|[`*$])|!\[", line)


@pytest.mark.parametrize(
    "label",
    ["std_cot", "skintern[steps=3]", "kard[query=rationale,rerank=true]", "0.7 -> 7.0", "a ^"],
)
def test_an_honest_text_is_left_as_it_is(label):
    assert escaped(label, "markdown") == label


@pytest.mark.parametrize("form", ["text", "markdown", "latex"])
def test_nothing_moves_the_cursor_or_breaks_a_line(form):
    found = escaped("a\x1b[2J\r\nb\u202ec\x07", form)
    assert found.isprintable()
    assert str(Fault("a\x1b[2J", "b\n", "c")).isprintable()


def test_latex_holds_no_command_of_a_stranger():
    text = "x}\\input{/etc/passwd}%$&#_^~\n\\end{tabular}"
    made = tabulated(("method", text), [[text, "1"]], "latex")
    assert made.count("\\end{tabular}") == 1
    assert "\\input" not in made.replace("\\textbackslash{}input", "")
    for mark in "%&#_":
        assert not re.search(rf"(?<!\\){mark}", re.sub(r" & +1 ?\\\\| & ", "", made)), mark


def exported(table, form):
    text = export(Shown(table), form)
    assert isinstance(text, str)
    return text


def tampered_rows():
    """Rows whose free texts are a stranger's."""
    told = {"shared_13gram": 0.0, "equal_questions": 0.0, "may_be_known_to": ["=cmd|' /C calc'!A0"]}
    base = record(
        snapshot={"knowledge": "=HYPERLINK(1)\n\\input{x} <b>"},
        provenance={"dirty": False, "contamination": {"id_a": told}},
    )
    return rows([base, replace(base, seed=1)])


def test_a_spreadsheet_takes_no_text_for_a_formula():
    found = list(csv.reader(io.StringIO(exported(tampered_rows(), "csv"))))
    cells = [cell for line in found for cell in line]
    texts = [cell for cell in cells if not re.fullmatch(r"-?[0-9.e+-]+", cell)]
    assert not [cell for cell in texts if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=HYPERLINK(1)\n\\input{x} <b>" in texts and "'=cmd|' /C calc'!A0" in texts


def test_numbers_of_a_spreadsheet_stay_numbers():
    found = list(csv.DictReader(io.StringIO(exported(rows([record()]), "csv"))))
    assert float(found[0]["id.value"]) == 0.75 and found[0]["method"] == "std_cot"


def test_json_says_what_the_record_says():
    assert json.loads(exported(tampered_rows(), "json"))[0]["knowledge"].startswith("=HYPERLINK")


def test_the_note_of_a_latex_table_stays_a_comment():
    made = exported(tampered_rows(), "latex")
    (line,) = [each for each in made.splitlines() if "knowledge: " in each]
    assert line.startswith("% ") and "\\input" in line


@pytest.mark.parametrize("of", [legend, lambda found: detail(found, "markdown")])
def test_legend_and_detail_hold_no_markup_of_a_stranger(of):
    assert not re.search(r"<b>|(?<!\\)\|' /C", of(tampered_rows()))


def test_a_model_card_holds_no_markup_of_a_stranger():
    told = record(provenance={"dirty": False, "device": "<b>H200</b> [x](y)", "date": "today"})
    assert "&lt;b>H200&lt;/b> [x\\](y), today" in results([told])


def test_a_picture_takes_no_name_for_mathematics():
    side = Side(0.5, 0.5, 1, 0, True, None, False, None, None)
    point = Point(
        "a $\\frac{1}{$ <b>", "1", "t", "c", order=1, track="toy", worlds=[World(0, side, side)]
    )
    sweep = Sweep(schema=1, sweep="$\\nothing$", points=[point])
    made = map_svg(sweep)
    assert "$\\nothing$" in made and "&lt;b&gt;" in made and "<b>" not in made


def test_a_label_that_is_markup_never_comes_to_a_page(tmp_path):
    root = tmp_path / "leaderboard" / "records" / "v1"
    save(root, [record("std_cot"), record("a|<b>", method="a")])
    with pytest.raises(RecordError, match="label must match"):
        render_all(root.parent)
    assert "a\\|&lt;b>" in table(rows([record("a|<b>")]), "markdown")
