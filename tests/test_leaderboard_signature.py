"""The line that names everything behind a number."""

import csv
import io
import json
import re
from argparse import ArgumentParser
from dataclasses import replace

import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.cli.parser import FORMATS, add_parser
from leaderboard.rows.rank import rows
from leaderboard.show.explain import explain
from leaderboard.show.exporting import Shown, export
from leaderboard.show.signature import Signature, signed
from leaderboard.store import board
from leaderboard.store.board import load_files
from leaderboard.store.ranges import MOST
from leaderboard.store.reading import MisreadError
from leaderboard.store.record import Scope
from tests.leaderboard_records import record, save

texts = st.text() | st.sampled_from(["a|b = [1, 2]", "x.v2", "id.strict", "seeds:1", "50%7C", ""])
percents = st.decimals(allow_nan=False, allow_infinity=False)
scopes = st.builds(
    Scope,
    world=st.integers(0, MOST),
    split=st.sampled_from(["test", "dev", "sealed"]),
    sealed=st.none() | st.integers(-MOST, MOST),
    limit=st.none() | st.integers(1, MOST),
)
signatures = st.builds(
    Signature,
    track=texts,
    version=st.integers(1),
    label=texts,
    of=texts,
    outcome=texts,
    seeds=st.lists(st.integers(0)).map(tuple),
    n_items=st.integers(0),
    records=texts,
    pool=texts,
    code=texts,
    value=percents,
    low=percents,
    high=percents,
    scope=scopes,
)


@given(signatures)
def test_a_signature_is_read_as_it_was_written(signature):
    assert Signature.parse(signature.format()) == signature
    assert "\n" not in signature.format() and "-->" not in signature.format()


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("skbench", "sacrebleu"),
        (".v1|", "|"),
        ("id.strict", "id"),
        ("|seeds:0", ""),
        ("items:4", "items"),
        ("v:0", "split:dreamt|v:0"),
        ("v:0", "moon:1|v:0"),
        (", 100.0]", ""),
        ("75.0", "high"),
    ],
)
def test_a_line_that_is_no_signature_is_refused(part, other, tmp_path):
    whole = lines(tmp_path, [record(outcomes={"id_a": [1, 0, 1, 1]})])["std_cot"]["id"]
    assert Signature.parse(whole).seeds == (0,) and part in whole
    for broken in (whole.replace(part, other), ""):
        with pytest.raises(MisreadError, match="copy the whole line"):
            Signature.parse(broken)


def lines(root, records, metric=""):
    """Label -> the signatures of its row, of records that are stored in a new folder, read by a
    grade in the place of right and wrong."""
    folder = root / f"{len(list(root.iterdir()))}" / "v1"
    save(folder, records)
    files = {
        path: replace(
            each, data_sets={n: replace(d, metric=metric) for n, d in each.data_sets.items()}
        )
        for path, each in load_files("toy", folder).items()
    }
    return {row.method: row.signatures for row in signed(rows(list(files.values())), files)}


def test_a_signature_names_what_the_number_is_made_of(tmp_path):
    runs = [record(label, seed) for label in ("std_cot", "kard[passages=2]") for seed in (0, 3)]
    found = Signature.parse(lines(tmp_path, runs)["kard[passages=2]"]["ood"])
    row = next(row for row in rows(runs) if row.method == found.label)
    assert (found.track, found.version, found.label) == ("toy", 1, "kard[passages=2]")
    assert (found.of, found.outcome, found.seeds, found.n_items) == ("ood", "strict", (0, 3), 4)
    shown = [float(each) for each in (found.value, found.low, found.high)]
    assert shown == [round(100 * each, 1) for each in (row.ood.value, row.ood.low, row.ood.high)]
    assert "std_cot|id.strict|seeds:0,3|items:4|" in lines(tmp_path, runs)["std_cot"]["id"]


def test_hashes_change_with_the_files_that_a_number_and_its_interval_depend_on(tmp_path):
    before = [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)]
    after = [*before[:-1], replace(before[-1], provenance={"dirty": False, "date": "2026-12-01"})]
    old, new = (
        {label: Signature.parse(each["id"]) for label, each in lines(tmp_path, runs).items()}
        for runs in (before, after)
    )
    assert old == {label: each for label, each in old.items() if each.pool == old["kard"].pool}
    assert old["kard"].records != new["kard"].records and old["kard"].pool != new["kard"].pool
    assert old["std_cot"].records == new["std_cot"].records
    assert old["std_cot"].pool != new["std_cot"].pool


def test_a_grade_in_the_place_of_right_and_wrong_is_named(tmp_path):
    base = record()
    grades = {"bleu_2": [0.5, 0.25, 0.0, 0.25]}
    graded = replace(base.data_sets["id_a"], graded=grades)
    found = lines(tmp_path, [replace(base, data_sets={"id_a": graded})], "bleu_2")["std_cot"]
    assert list(found) == ["id", "id_a"]
    assert "|id.bleu_2|" in found["id"] and "|id_a.bleu_2|" in found["id_a"]


def test_that_of_a_data_set_is_the_one_that_explains_it(tmp_path):
    two = {"id_a": [1, 0, 1, 1], "id_b": [1, 1, 0, 0], "ood_a": [0, 0, 1, 1]}
    runs = [record(label, seed, two) for label in ("std_cot", "kard") for seed in (0, 1)]
    save(tmp_path / "v1", runs)
    files = load_files("toy", tmp_path / "v1")
    (row,) = (row for row in signed(rows(runs), files) if row.method == "kard")
    assert list(row.signatures) == ["id", "ood", *two]
    mine = {path: each for path, each in files.items() if each.label == "kard"}
    for of, line in row.signatures.items():
        assert explain(mine, files, of, 0).signature == line
    assert Signature.parse(row.signatures["id_b"]).value == 50


def stated(found):
    """Everything in an export that begins as a signature does, to its end."""
    if isinstance(found, bytes):
        table = parquet.read_table(io.BytesIO(found)).to_pylist()
        found = "\n".join(str(value) for line in table for value in line.values())
    text = found if isinstance(found, str) else "\n".join(text for _, text in found)
    return re.findall(r"skbench\|.*? = .*?\]", text)


@pytest.mark.parametrize("form", sorted({*FORMATS} - {"bencher"}))
def test_every_format_that_takes_texts_has_one_for_each_accuracy(form, tmp_path):
    save(tmp_path / "v1", [record(), record("kard[passages=2]")])
    files = load_files("toy", tmp_path / "v1")
    table = signed(rows(list(files.values())), files)
    expected = sorted(line for row in table for line in row.signatures.values())
    assert len(set(expected)) == 8
    found = stated(export(Shown(table, list(files.values()), hub_dataset="me/toy"), form))
    assert sorted(found) == expected
    assert [Signature.parse(line).format() for line in found] == found


def test_the_exports_that_are_text_have_them_in_their_place(tmp_path):
    save(tmp_path / "v1", [record(), record("kard[passages=2]")])
    files = load_files("toy", tmp_path / "v1")
    table = signed(rows(list(files.values())), files)
    shown = Shown(table, list(files.values()))
    expected = [line for row in table for line in row.signatures.values()]
    read = csv.DictReader(io.StringIO(str(export(shown, "csv"))))
    of = ("id", "ood", "id_a", "ood_a")
    columns = [line[f"signatures.{name}"] for line in read for name in of]
    body = json.loads(str(export(shown, "json")))
    assert columns == expected == [each for row in body for each in row["signatures"].values()]
    assert str(export(shown, "latex")).endswith("".join(f"% {line}\n" for line in expected))
    assert str(export(shown, "markdown")).endswith(
        "".join(f"<!-- {line} -->\n" for line in expected)
    )


def test_show_prints_them_where_they_are_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path))
    monkeypatch.setattr(board, "PUBLISHED", tmp_path / "published")
    save(tmp_path / "records" / "v1", [record(scope=Scope(split="sealed", sealed=15))])
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    for words in ([], ["--signatures"]):
        args = parser.parse_args(["board", "show", "toy", "--sealed", "15", *words])
        assert args.run(args) == 0
        printed = capsys.readouterr().out.splitlines()
        found = [Signature.parse(line) for line in printed if line.startswith("skbench|")]
        assert [each.of for each in found] == (["id", "ood", "id_a", "ood_a"] if words else [])
        assert all(each.scope == Scope(split="sealed", sealed=15) for each in found)
