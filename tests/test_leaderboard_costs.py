"""Stored costs and papers' tables: read, checked, recomputed and shown beside what is measured."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from leaderboard_records import record

from leaderboard.show import costs
from leaderboard.show.papers import section
from leaderboard.show.rendering import render_all
from leaderboard.store.costs import CostRecord, MethodCost, Timing, stored_costs
from leaderboard.store.papers import Paper, paper_flops
from leaderboard.store.reading import RecordError

REPORTED = Path(costs.__file__).parent.parent / "reported"
SKINTERN = Paper.load(REPORTED / "skintern.json")
N = 4


def method(label: str, **changes: object) -> MethodCost:
    base = MethodCost(label, N, 40, 20, 8 * 10**9, 4 * 10**9, 6 * 10**9, 0)
    return replace(base, **changes)


def stored(**changes: object) -> CostRecord:
    base = CostRecord(
        schema=1,
        track="toy",
        student="nobody/toy",
        n_parameters=1_000_000,
        reference="std_cot",
        data_set="questions",
        n=N,
        tokenizer="stand-in",
        methods=[method("std_cot"), method("kard", prefill_flops=20 * 10**9, overflow=2)],
        provenance={"command": "skbench cost toy", "date": "2026-01-01", "versions": {}},
    )
    return replace(base, **changes)


def paper(**changes: object) -> dict[str, object]:
    row = {"method": "Std-CoT", "label": "std_cot", "accuracy": [50.0, 30.0], "average": 40.0}
    kard = row | {"method": "KARD", "label": "kard", "average": 41.0, "flops": 3.9}
    body = {
        "schema": 1,
        "name": "Toy",
        "source": "a paper",
        "note": "Read in the paper.",
        "flops_unit": "its own",
        "columns": [
            {"name": "A", "group": "id", "data_set": "id_a"},
            {"name": "B", "group": "ood", "data_set": "ood_a"},
        ],
        "reference": "std_cot",
        "elsewhere": {},
        "students": [
            {"name": "T", "track": "toy", "table": "1", "rows": [row | {"flops": 1.3}, kard]}
        ],
    }
    return body | changes


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "reported"
    folder.mkdir()
    (folder / "toy.json").write_text(json.dumps(paper()))
    return folder


def test_a_stored_cost_is_read_back_as_it_was(tmp_path: Path) -> None:
    timed = stored(methods=[method("std_cot", timing=Timing(8, 0.1, None, 50.0, 2**30))])
    assert timed.save(tmp_path) == tmp_path / "toy.json"
    assert CostRecord.load(tmp_path / "toy.json") == timed


def test_costs_are_listed_by_the_size_of_the_student(tmp_path: Path) -> None:
    stored(track="large", n_parameters=7).save(tmp_path)
    stored(track="small", n_parameters=1).save(tmp_path)
    assert [each.track for each in stored_costs(tmp_path)] == ["small", "large"]


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (stored(tokenizer="student"), "counts the student's own tokens"),
        (stored(n=N + 1), "counts 5 questions, not 4"),
        (stored(methods=[*stored().methods, method("cascod")]), "has cascod as well"),
        (stored(provenance={"device": "H100"}), "has timings"),
    ],
)
def test_a_stored_cost_is_not_replaced_by_a_poorer_one(
    tmp_path: Path, before: CostRecord, message: str
) -> None:
    path = before.save(tmp_path)
    with pytest.raises(RecordError, match=message):
        stored().save(tmp_path)
    assert CostRecord.load(path) == before
    richer = replace(before, n=N + 2)
    richer.save(tmp_path)
    assert CostRecord.load(path) == richer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema .*2"),
        ({"track": "other"}, "is of track 'other'"),
        ({"methods": [{"label": "kard"}]}, "'methods.0.n_calls'"),
        ({"reference": "cascod"}, "no row of 'cascod'"),
    ],
)
def test_a_bad_cost_file_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(asdict(stored()) | change))
    with pytest.raises(RecordError, match=rf"toy\.json: .*{message}"):
        CostRecord.load(path)


def test_means_and_ratios_are_of_the_sums(papers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "PAPERS", papers)
    body = costs.cost_json(stored())
    assert body["tokenizer"] == "stand-in"
    kard = body["methods"][1]
    assert kard["prompt_tokens"] == 10
    assert kard["total_flops"] == 6e9
    assert kard["relative_flops"] == 2
    assert kard["relative_prompt_only_flops"] == 1
    assert kard["paper_flops"] == 3.9
    assert kard["paper_relative_flops"] == pytest.approx(3)


def test_the_section_shows_the_paper_s_column_and_marks_a_stand_in(
    papers: Path, tmp_path: Path
) -> None:
    stored().save(tmp_path / "cost")
    text = "\n".join(costs.section(tmp_path / "cost", papers))
    (kard,) = [line for line in text.splitlines() if line.startswith("| kard")]
    assert [cell.strip() for cell in kard.split("|")[-3:-1]] == ["x3.9", "3.00"]
    assert "**Stand-in tokenizer**" in text
    assert "behind: kard 2." in text
    stored(tokenizer="student").save(tmp_path / "cost")
    assert "Stand-in" not in "\n".join(costs.section(tmp_path / "cost", papers))


def test_times_are_shown_with_their_device_and_their_weights(papers: Path) -> None:
    timing = Timing(8, 0.01, 0.002, 99.5, 2**31)
    known = {"device": "H100", "weights": "random"}
    record = stored(methods=[method("std_cot", timing=timing)], provenance=known)
    assert "random weights on H100" in costs.caption(record)
    assert "10.00" in costs.table(record, {}, "text")
    assert "ttft ms" not in costs.table(stored(), {}, "text")


def test_without_stored_files_there_is_no_section(tmp_path: Path) -> None:
    assert costs.section(tmp_path, tmp_path) == []
    assert section(tmp_path, tmp_path) == []


def test_all_averages_are_recomputed_and_two_are_not_as_printed() -> None:
    rows = [(s.name, row) for s in SKINTERN.students for row in s.rows if row.average is not None]
    assert len(rows) == 50
    odd = {(name, row.method): row.recomputed for name, row in rows if row.disagrees}
    assert odd == {
        ("LLaMA2-7B", "Zero-shot"): pytest.approx(15.14, abs=0.01),
        ("LLaMA3-8B", "MT-CoT"): pytest.approx(46.2, abs=0.01),
    }


def test_the_tables_are_those_of_the_paper() -> None:
    students = {student.name: student for student in SKINTERN.students}
    assert [column.name for column in SKINTERN.columns][:2] == ["BBH-test", "GSM8K"]
    ours = {row.label: row for row in students["TinyLLaMA-1.1B"].rows}["skintern"]
    assert ours.accuracy == [55.5, 8.1, 31.4, 24.4, 5.3, 36.8, 31.2]
    assert (ours.average, ours.flops) == (27.5, 1.0)
    full, *changed = students["Ablations of SKIntern on LLaMA2-7B"].rows
    main = {row.label: row for row in students["LLaMA2-7B"].rows}["skintern"]
    assert [
        a for a, b in zip(full.accuracy, main.accuracy, strict=True) if a not in (None, b)
    ] == []
    assert len(changed) == 7
    assert SKINTERN.flops_of("tinyllama")["kard"] == 3.9
    assert paper_flops([SKINTERN], "llama2-7b")["cascod"] == 19.0
    assert paper_flops([SKINTERN], "qwen3-0.6b") == {}


def test_a_measured_row_stands_below_its_claim_and_is_not_ranked(
    papers: Path, tmp_path: Path
) -> None:
    root = tmp_path / "records"
    record("kard").save(root / "v1" / "toy" / "kard" / "seed0.json")
    record("not_claimed").save(root / "v1" / "toy" / "not_claimed" / "seed0.json")
    lines = "\n".join(section(papers, root)).splitlines()
    body = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "reported" in line
    ]
    at = next(i for i, line in enumerate(lines) if line.startswith("| KARD"))
    assert [cell.strip() for cell in lines[at].split("|")[1:-1]] == [
        *("KARD", "reported", "50.0", "30.0", "41.0 ≠", "x3.9")
    ]
    assert [cell.strip() for cell in lines[at + 1].split("|")[1:-1]] == [
        *("kard", "measured", "75.0", "50.0", "62.5", "-")
    ]
    assert [cells[0] for cells in body if len(cells) > 2] == ["Std-CoT", "KARD"]
    assert not any("not_claimed" in line for line in lines)
    assert any("KARD: the average is printed as 41.0, its columns give 40.0" in x for x in lines)


def test_what_a_method_adds_stands_beside_what_the_paper_prints(tmp_path: Path) -> None:
    folder, root = tmp_path / "reported", tmp_path / "records"
    folder.mkdir()
    elsewhere = {"small": ["kard[passages=1]", "cascod"], "never_ran": ["kard"]}
    students = paper()["students"]
    assert isinstance(students, list)
    students[0]["rows"][1]["accuracy"] = [58.5, 28.0]
    (folder / "toy.json").write_text(json.dumps(paper(elsewhere=elsewhere, students=students)))
    for label, right in (("std_cot", [1, 0, 0, 0]), ("kard[passages=1]", [1, 1, 0, 0])):
        made = record(label, outcomes={"id_a_60": right, "id_other": right}, track="small")
        made.save(root / "v1" / "small" / label / "seed0.json")
    lines = "\n".join(section(folder, root)).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("### Toy: what is added"))
    rows = [[c.strip() for c in x.split("|")[1:-1]] for x in lines[at:] if x.startswith("| k")]
    assert rows[0] == ["kard", "reported", "T", "-", "+8.5", "-2.0"]
    assert rows[1][:4] == ["kard[passages=1]", "measured", "small", "1"]
    assert rows[1][4].startswith("+25.0 [-") and rows[1][5] == "-" and len(rows) == 2


def test_a_student_without_records_is_said_to_be_unmeasured(papers: Path, tmp_path: Path) -> None:
    text = "\n".join(section(papers, tmp_path / "records"))
    assert "Nothing is measured yet on track toy." in text
    assert "| measured" not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 7}, "schema .*7"),
        ({"columns": []}, r"T, Std-CoT: \[2\] numbers, the paper has 0 columns"),
        ({"students": [{"name": "T"}]}, ".*'students.0.track'"),
    ],
)
def test_a_bad_paper_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(paper() | change))
    with pytest.raises(RecordError, match=rf"bad\.json: {message}"):
        Paper.load(path)


def test_the_page_has_both_sections_and_they_go_stale_with_their_files(
    papers: Path, tmp_path: Path
) -> None:
    home = tmp_path / "leaderboard"
    papers.rename(tmp_path / "kept")
    home.mkdir()
    (tmp_path / "kept").rename(home / "reported")
    stored().save(home / "cost")
    render_all(tmp_path / "leaderboard" / "records")
    text = (home / "LEADERBOARD.md").read_text()
    assert "## Cost of the real students" in text
    assert "## Claimed beside measured" in text
    assert render_all(tmp_path / "leaderboard" / "records") == []
    stored(n=N + 1).save(home / "cost")
    assert render_all(tmp_path / "leaderboard" / "records") == [
        home / "LEADERBOARD.md",
        home / "page" / "index.html",
    ]
