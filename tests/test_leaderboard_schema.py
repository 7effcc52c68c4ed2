"""The JSON Schema of stored files, and that what is committed keeps to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from leaderboard.store.ledger import ledger_of, lines_of
from leaderboard.store.reading import RecordError
from leaderboard.store.record import SCHEMA, Record
from leaderboard.store.schema import KINDS, json_schema

ROOT = Path(__file__).parent.parent / "leaderboard"
RECORDS = ROOT / "records"
OLDER = Path(__file__).parent / "golden" / "records"
FILES = {
    "record": "records/v*/*/*/*.json",
    "trials": "trials/v*/*/*.json",
    "probes": "probes/v*/*/*/*.json",
    "map": "maps/v*/*.json",
    "cost": "cost/*.json",
}


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All schemas of objects with named properties."""
    for each in [schema, *schema.get("$defs", {}).values()]:
        if "properties" in each:
            yield each


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_allows_no_other_keys_and_says_what_an_object_is(kind):
    for each in objects(json_schema(kind)):
        assert each["additionalProperties"] is False, each["title"]
        assert each["description"]


def test_the_schema_of_a_record_has_units_ranges_and_descriptions():
    schema = json_schema("record")
    latency = schema["$defs"]["Latency"]["properties"]
    assert latency["ttft_s_p50"]["unit"] == "s"
    assert latency["ttft_s_p50"]["exclusiveMinimum"] == 0
    assert latency["ttft_s_p50"]["maximum"] == 3600
    assert schema["$defs"]["Training"]["properties"]["flops"]["unit"] == "FLOP"
    assert schema["$defs"]["DataSet"]["properties"]["strict"]["items"] == {
        "minimum": 0, "maximum": 1, "type": "integer"
    }  # fmt: skip
    about = schema["properties"]["reference"]["description"]
    assert about == "Label that relative numbers of the track divide by."


def test_the_verb_prints_a_schema_and_names_the_nearest_kind(capsys):
    assert main(["board", "schema", "ledger"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema("ledger")
    assert main(["board", "schema", "records"]) == 2
    assert "did you mean 'record'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", FILES)
def test_what_is_committed_keeps_to_its_schema(kind):
    """A file of each track: the models that the schema is made of read all, in `verify`."""
    jsonschema = pytest.importorskip("jsonschema", reason="the extra [dev] brings it")
    files = {path.parent.parent: path for path in sorted(ROOT.glob(FILES[kind]))}
    assert files
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in files.values():
        fault = next(validator.iter_errors(json.loads(path.read_text())), None)
        assert fault is None, f"{path}: {fault and fault.message[:300]}"


def test_the_lines_of_the_committed_ledger_keep_to_its_schema():
    jsonschema = pytest.importorskip("jsonschema", reason="the extra [dev] brings it")
    validator = jsonschema.Draft202012Validator(json_schema("ledger"))
    lines = lines_of(ledger_of(RECORDS))
    assert lines and all(validator.is_valid(json.loads(line)) for line in lines)


def test_a_fault_is_one_to_the_schema_as_well():
    jsonschema = pytest.importorskip("jsonschema", reason="the extra [dev] brings it")
    validator = jsonschema.Draft202012Validator(json_schema("record"))
    body = json.loads((OLDER / "schema1.json").read_text())
    assert validator.is_valid(body)
    for key, value in (("label", "a/b"), ("seed", -1), ("schema", 99), ("track", "<b>")):
        assert not validator.is_valid(body | {key: value}), key
    assert not validator.is_valid(body | {"another": 1})


@pytest.mark.parametrize("number", range(1, SCHEMA))
def test_a_record_of_every_older_schema_is_read(number):
    record = Record.load(OLDER / f"schema{number}.json")
    assert record.schema == number
    assert [len(each.items) for each in record.data_sets.values()] == [3, 3]


@pytest.mark.parametrize(
    "label",
    [
        "std_cot", "skintern[steps=3]", "kard[query=rationale,rerank=true]", "m[share=1e-05]",
        "std_cot+tuned", "std_cot[restarts=3]+tuned", "std_cot+learning_rate=0.000333",
        "std_cot@student-0a1b2c", "kard[decoy=true]@my.model-1",
    ],
)  # fmt: skip
def test_labels_that_the_harness_makes_are_read(label, tmp_path):
    with_label(tmp_path / "r.json", label)
    assert Record.load(tmp_path / "r.json").label == label


@pytest.mark.parametrize(
    "label",
    ["", ".", "..", "a/b", "a\\b", "a|b", "<b>", "a b", "a\n", "a[b]", "a[b=1", "[b=1]", "=1", "a@",
     "a`b`", "a[b=1]c", "ä", "a\x00", "a[b=\u202e1]", "x" * 300],
)  # fmt: skip
def test_other_labels_are_not(label, tmp_path):
    with_label(tmp_path / "r.json", label)
    with pytest.raises(RecordError, match=r"r\.json: label"):
        Record.load(tmp_path / "r.json")


def with_label(path: Path, label: str) -> None:
    body = json.loads((OLDER / "schema1.json").read_text())
    path.write_text(json.dumps(body | {"label": label}))
