"""The board in the formats of others."""

import csv
import importlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from statistics import fmean

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from leaderboard.cli.parser import FORMATS
from leaderboard.rows.rank import rows
from leaderboard.rows.texts import with_texts
from leaderboard.show import formats
from leaderboard.show.exporting import ExportError, Shown, export
from leaderboard.show.signature import Signature, signed
from leaderboard.stats.averages import seeds
from leaderboard.store import board
from leaderboard.store.board import PUBLISHED, load_files, suite
from leaderboard.store.generations import Generations, kept, place
from leaderboard.store.reading import RecordError
from tests.board_verb import run
from tests.leaderboard_records import record, save, trained, with_costs

SCHEMAS = Path(__file__).parent / "schemas"


def shown_of(records, files=None):
    return Shown(rows(records), records, seeds(records), files=files or {})


@pytest.fixture
def toy():
    """Two rows of two seeds, one without training, and one whose teacher answered itself."""
    runs = [record(label, seed) for label in ("std_cot", "kard[passages=2]") for seed in (0, 1)]
    prompts = trained(record("zero_shot"), n_steps=0)
    teacher = record("loose_teacher", kind="corpus", latency=None)
    return shown_of([*runs, with_costs(prompts, "ood_a", overflow=[0, 0, 0, 1]), teacher])


@pytest.fixture(scope="module")
def real():
    """A published track of a real student, some of whose rows have a single seed; the texts of one
    run lie elsewhere."""
    track = "smollm2-135m-csqa"
    files = load_files(track, suite(PUBLISHED, track))
    first = next(iter(files))
    files[first.with_name("alone.json")] = files.pop(first)
    return shown_of(list(files.values()), files=files)


@pytest.fixture
def published(tmp_path, monkeypatch):
    root = tmp_path / "records"
    monkeypatch.setattr(board, "PUBLISHED", root)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    save(root / "v1", [record(label, seed) for label in ("std_cot", "kard") for seed in (0, 1)])


# ------------------------------------------------------------ all of them


def test_the_formats_offered_are_the_files_of_the_folder():
    folder = Path(formats.__file__).parent
    assert {"markdown", "latex", "csv", "json", "parquet", "eee", "hf", "bencher"} <= set(FORMATS)
    assert sorted(FORMATS) == sorted(p.stem for p in folder.glob("*.py") if p.stem != "__init__")
    for form in FORMATS:
        module = importlib.import_module(f"leaderboard.show.formats.{form}")
        assert callable(module.export) and module.__doc__


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_says_the_same_of_the_same_records_and_names_every_row(toy, form):
    def written():
        found = export(replace(toy, hub_dataset="me/toy"), form)
        return found if isinstance(found, (str, bytes)) else dict(found)

    assert written() == written()
    for row in toy.rows:
        assert row.method.replace("_", "") in str(written()).replace("\\_", "").replace("_", "")


@pytest.mark.parametrize("form", ["parquet", "eee", "hf"])
def test_what_is_no_text_is_not_printed_but_written_where_it_is_asked_to(
    published, tmp_path, capsys, form
):
    words = ("export", "toy", "--format", form, "--hub-dataset", "me/toy")
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "--output" in printed.err
    assert run(*words, "--output", str(tmp_path / "out")) == 0
    files = [tmp_path / "out"] if form == "parquet" else [*(tmp_path / "out").rglob("*.*")]
    assert [path for path in files if path.is_file()]


def test_a_format_that_needs_a_name_on_the_hub_asks_for_it(published, toy, tmp_path, capsys):
    assert run("export", "toy", "--format", "hf", "--output", str(tmp_path / "out")) == 2
    assert "--hub-dataset OWNER/NAME" in capsys.readouterr().err
    with pytest.raises(ExportError):
        export(toy, "hf")


# ------------------------------------------------------------ parquet


def test_parquet_has_the_columns_of_csv_with_their_types(toy):
    table = parquet.read_table(io.BytesIO(export(toy, "parquet")))
    lines = list(csv.DictReader(io.StringIO(export(toy, "csv"))))
    assert table.column_names == list(lines[0])
    assert table.schema.field("total_flops").type == pa.int64()
    assert table.schema.field("id.value").type == pa.float64()
    for typed, text in zip(table.to_pylist(), lines, strict=True):
        assert {k: "" if v is None else str(v) for k, v in typed.items()} == text
    assert b"accuracy in %" in table.schema.metadata[b"legend"]


def test_a_count_beyond_the_integers_of_parquet_keeps_its_size():
    (row,) = rows([trained(record(), flops=10**20)])
    table = parquet.read_table(io.BytesIO(export(Shown([row], [record()]), "parquet")))
    assert table["train_flops"].to_pylist() == [1e20]
    assert table["total_flops"].to_pylist() == [1500]


# ------------------------------------------------------------ bencher


def test_bencher_has_a_value_for_each_measure_and_limits_around_it(toy):
    body = json.loads(export(toy, "bencher"))
    assert set(body) == {f"toy/{row.method}" for row in toy.rows}
    for measures in body.values():
        for name, metric in measures.items():
            assert re.fullmatch(r"[a-z0-9_-]{1,64}", name)
            assert {"value"} <= set(metric) <= {"value", "lower_value", "upper_value"}
            value = metric["value"]
            assert metric.get("lower_value", value) <= value <= metric.get("upper_value", value)
    row = next(row for row in toy.rows if row.method == "std_cot")
    measures = body["toy/std_cot"]
    assert measures["id-accuracy"] == {
        "value": row.id.value,
        "lower_value": row.id.low,
        "upper_value": row.id.high,
    }
    assert measures["flops-per-question"] == {"value": 1500}
    assert measures["ttft-s"] == {"value": 0.01, "upper_value": 0.02}
    assert not {"ttft-s", "tpot-s", "flops-per-question"} & set(body["toy/loose_teacher"])


# ------------------------------------------------------------ Hugging Face


def test_hub_files_are_read_by_the_hubs_own_library(real):
    files = dict(export(replace(real, hub_dataset="me/csqa"), "hf"))
    assert len(files) == len(real.rows)
    for row in real.rows:
        text = files[f"{row.method}/.eval_results/smollm2-135m-csqa.yaml"]
        entries = parse_eval_result_entries(yaml.safe_load(text))
        assert {entry.dataset_id for entry in entries} == {"me/csqa"}
        found = {entry.task_id: entry.value for entry in entries}
        assert found == {**row.tasks, "id": row.id.value, "ood": row.ood.value}
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", entry.date) for entry in entries)


# ------------------------------------------------------------ Every Eval Ever


@pytest.fixture
def toy_eee(toy):
    return dict(export(toy, "eee"))


@pytest.fixture(scope="module")
def real_eee(real):
    return dict(export(real, "eee"))


def of_eee(files) -> Iterator[tuple[str, dict, list[dict]]]:
    """For each row: path, scores, outcomes."""
    for path, text in files.items():
        if path.endswith(".json"):
            body = json.loads(text)
            lines = files[body["detailed_evaluation_results"]["file_path"]]
            yield path, body, [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("which", ["toy_eee", "real_eee"])
def test_every_eval_ever_files_follow_its_schemas(which, request):
    jsonschema = pytest.importorskip("jsonschema", reason="not in this environment; in the lock")
    aggregate, instance = (
        jsonschema.Draft7Validator(json.loads((SCHEMAS / f"eee.{name}.schema.json").read_text()))
        for name in ("eval", "instance_level_eval")
    )
    found = list(of_eee(request.getfixturevalue(which)))
    assert found
    for _, body, samples in found:
        aggregate.validate(body)
        for sample in samples:
            instance.validate(sample)
    del body["model_info"]["additional_details"]["deployment_type"], sample["input"]
    assert not aggregate.is_valid(body) and not instance.is_valid(sample)


def test_every_eval_ever_scores_are_the_means_of_their_samples(real_eee):
    for _, body, samples in of_eee(real_eee):
        by_result: dict[str, list[float]] = {}
        for sample in samples:
            by_result.setdefault(sample["evaluation_result_id"], []).append(
                sample["evaluation"]["score"]
            )
        results = {each["evaluation_result_id"]: each for each in body["evaluation_results"]}
        assert set(results) == {*by_result, "id average", "ood average"}
        for name, scores in by_result.items():
            details = results[name]["score_details"]
            assert details["score"] == pytest.approx(fmean(scores))
            limits = details["uncertainty"]["confidence_interval"]
            assert limits["lower"] <= details["score"] <= limits["upper"]
            n_seeds = int(results[name]["metric_config"]["additional_details"]["n_seeds"])
            assert details["uncertainty"]["num_samples"] * n_seeds == len(scores)


def test_every_eval_ever_files_find_each_other(real_eee):
    for path, body, samples in of_eee(real_eee):
        detail = body["detailed_evaluation_results"]
        assert detail["file_path"] == path.replace(".json", "_samples.jsonl")
        assert path.split("/")[2:4] == body["model_info"]["id"].split("/")
        assert detail["total_rows"] == len(samples)
        assert detail["checksum"] == sha256(real_eee[detail["file_path"]].encode()).hexdigest()
        for key, value in (("evaluation_id", body), ("id", body["model_info"])):
            name = "model_id" if key == "id" else key
            assert {sample[name] for sample in samples} == {value[key]}


def test_other_records_are_other_files_and_a_name_is_safe_in_a_path():
    def paths(**changes):
        return {path for path, _ in export(shown_of([record("a:b*", **changes)]), "eee")}

    assert all(re.fullmatch(r"data/[\w-]+/[\w-]+/[\w-]+/[\w.-]+", path) for path in paths())
    assert paths() == paths()
    assert not paths() & paths(skewed=True)


def test_every_eval_ever_has_the_answers_that_are_kept_and_no_others(real, real_eee):
    texts = {(run.label, str(run.seed)): kept(path) for path, run in real.files.items()}
    assert None in texts.values() and any(texts.values())
    for _, body, samples in of_eee(real_eee):
        label = body["model_info"]["name"]
        found: dict[str, list[str]] = {}
        for sample in samples:
            assert sample["input"] == {"raw": "", "reference": []}
            found.setdefault(sample["metadata"]["seed"], []).extend(sample["output"]["raw"])
        for seed, answers in found.items():
            written = texts[label, seed]
            assert answers == (
                [t for each in written.data_sets.values() for t in each] if written else []
            )
        told = f"answers of {sum(map(bool, found.values()))} of {len(found)} runs"
        assert told in body["detailed_evaluation_results"]["additional_details"]["texts"]


def test_texts_of_another_run_are_no_answers(tmp_path):
    runs, path = [record()], tmp_path / "v1" / "toy" / "std_cot" / "seed0.json"
    Generations.of(record(seed=1), []).save(place(path))
    with pytest.raises(RecordError, match="beside a record of"):
        export(shown_of(runs, files={path: runs[0]}), "eee").__next__()


def test_the_verb_exports_answers_and_signatures(published, tmp_path):
    run_path = board.PUBLISHED / "v1" / "toy" / "kard" / "seed0.json"
    answers = [
        (name, f"of {item}") for name, e in record("kard").data_sets.items() for item in e.items
    ]
    Generations.of(record("kard"), answers).save(place(run_path))
    assert run("export", "toy", "--format", "eee", "--output", str(tmp_path / "out")) == 0
    lines = [path.read_text() for path in (tmp_path / "out").rglob("*--kard/*_samples.jsonl")]
    samples = [json.loads(line) for text in lines for line in text.splitlines()]
    found = [sample["output"]["raw"] for sample in samples if sample["metadata"]["seed"] == "0"]
    assert found == [[text] for _, text in answers]
    bodies = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("*.json")]
    results = [each for body in bodies for each in body["evaluation_results"]]
    lines = [each["score_details"]["details"]["signature"] for each in results]
    assert [Signature.parse(line).of for line in lines] == ["id_a", "ood_a", "id", "ood"] * 2


def test_a_prompt_that_did_not_fit_is_an_error_in_its_sample(toy_eee):
    found = {body["model_info"]["name"]: samples for _, body, samples in of_eee(toy_eee)}
    told = [sample["error"] for sample in found["zero_shot"]]
    assert sum(error is not None for error in told) == 1
    assert not any(sample["error"] for sample in found["std_cot"])


def test_who_ran_it_is_told_from_whether_it_was_trained(toy_eee):
    found = {
        body["model_info"]["name"]: body["source_metadata"]["evaluator_relationship"]
        for _, body, _ in of_eee(toy_eee)
    }
    assert (found["std_cot"], found["zero_shot"]) == ("first_party", "third_party")


# ------------------------------------------------------------ LaTeX


@cache
def latex_of(track):
    files = load_files(track, suite(PUBLISHED, track))
    records = list(files.values())
    first, *others = signed(with_texts(rows(records), files), files)
    table = [replace(first, n_texts=0), *others]  # with the mark of what is not verified
    return export(Shown(table, records, seeds(records)), "latex")


@pytest.fixture(scope="module")
def latex():
    """Of the largest track, whose labels have what LaTeX must not take for its own."""
    return latex_of("pocket")


def test_every_line_of_a_latex_table_has_as_many_cells_as_its_head(latex):
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL)
    assert len(tables) >= 2
    for columns, body in tables:
        lines = [line for line in body.splitlines() if line.rstrip().endswith(r"\\")]
        assert len(lines) > 5
        for line in lines:
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1, line


def test_latex_outside_of_comments_is_balanced_and_escaped(latex):
    named, *lines = latex.splitlines()
    assert named == r"\providecommand{\resizebox}[3]{#3}"
    text = "\n".join(line for line in lines if not line.startswith("%"))
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[%_#$]", text)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{tabular}")


@pytest.mark.parametrize("packages", ["booktabs,graphicx", "booktabs"])
@pytest.mark.parametrize("track", ["pocket", "smollm2-135m-csqa", "smollm2-135m-csqa-tokens"])
def test_latex_compiles_and_fits_where_it_can_be_scaled(track, packages, tmp_path):
    """Tracks of many rows, and of one."""
    program = shutil.which("pdflatex") or shutil.which("tectonic")
    if program is None:
        pytest.skip("neither pdflatex nor tectonic on this machine")
    text = latex_of(track)
    assert "°" in text
    head = f"\\documentclass{{article}}\\usepackage{{{packages}}}\\begin{{document}}"
    (tmp_path / "board.tex").write_text(f"{head}\n{text}\\end{{document}}\n")
    # A draft needs no fonts, which a small TeX lacks.
    options = ["-interaction=nonstopmode", "-halt-on-error", "-draftmode"]
    options = options if Path(program).name == "pdflatex" else ["--keep-logs"]
    done = subprocess.run(
        [program, *options, "board.tex"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "board.log").read_text(errors="replace")
    assert ("Overfull \\hbox" in log) == ("graphicx" not in packages)
