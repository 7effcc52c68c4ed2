"""Test questions of one's own: lines of JSON, a YAML for lm-eval, a task of lm-eval's own."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval.api.model import LM
from lm_eval.tasks._yaml_loader import load_yaml

from bench.__main__ import main
from bench.ground.places import TRUST_TASK_CODE
from bench.questions import lines, obtain, templates
from bench.track import ConfigError, load
from leaderboard.store.record import Record
from tasks.scoring import process_results
from tests.tracks import toy_track

OWN = Path(lm_eval.__file__).parent / "tasks"
SUMS = [{"question": f"what is {i} plus {i}?", "target": str(i + i)} for i in range(12)]
CHOICES = [
    {"question": f"which comes after {i}?", "options": [f"n{i}", f"n{i + 1}", f"n{i + 2}"],
     "target": f"n{i + 1}"}
    for i in range(12)
]  # fmt: skip
JSON_YAML = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: rows.jsonl}}}}
test_split: test
output_type: {kind}
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{target}}}}"
"""


@pytest.fixture(autouse=True)
def untrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trusted, and what a test trusts is forgotten after it."""
    monkeypatch.setenv(TRUST_TASK_CODE, "")
    obtain._read.cache_clear()


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_yaml(folder: Path, rows: Sequence[Mapping[str, Any]], text: str, name: str = "mine") -> Path:
    write(folder / "rows.jsonl", rows)
    (folder / f"{name}.yaml").write_text(text)
    return folder


def items_of(path: Path) -> list[Any]:
    items, faults = lines.examine(path, "mine")
    assert faults == []
    return items


def faults_of(tmp_path: Path, *rows: Mapping[str, Any] | str) -> list[str]:
    path = tmp_path / "faulty.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return [str(each).removeprefix(f"{path}:") for each in lines.examine(path, "mine")[1]]


# ---------------------------------------------------------------- lines of JSON


def test_options_get_letters_and_stand_below_the_question(tmp_path: Path) -> None:
    (item, *_) = items_of(write(tmp_path / "q.jsonl", CHOICES))
    assert item["question"] == "which comes after 0?\nOptions:\n(A) n0\n(B) n1\n(C) n2"
    assert (item["options"], item["target"]) == (["(A) n0", "(B) n1", "(C) n2"], "(B)")
    for answer in ("(B)", "b", "n1", "(B) n1."):
        assert process_results(item, [f"Therefore, the answer is {answer}"])["strict"] == 1


@pytest.mark.parametrize("target", ["(B)", "B", "two", "(B) two"])
def test_options_keep_the_letters_that_they_have(tmp_path: Path, target: str) -> None:
    row = {"question": "which?", "options": ["(A) one", "(B) two"], "target": target}
    listed = {"question": "which?\nOptions:\n(A) one\n(B) two", "target": target}
    (one,), (other,) = (items_of(write(tmp_path / "q.jsonl", [each])) for each in (row, listed))
    assert one == other
    assert one["target"] == "(B)"


def test_options_that_a_question_lists_without_letters_stay_so(tmp_path: Path) -> None:
    row = {"question": "Does it?\nOptions:\n- Yes\n- No", "target": "No"}
    (item,) = items_of(write(tmp_path / "q.jsonl", [row]))
    assert (item["question"], item["options"], item["target"]) == (
        row["question"],
        ["Yes", "No"],
        "No",
    )


def test_a_line_may_name_its_sub_task_its_cluster_and_its_facts(tmp_path: Path) -> None:
    about = {"id": "x", "task": "sums", "cluster": "c", "facts": ["1 and 1 is 2"]}
    (item,) = items_of(write(tmp_path / "q.jsonl", [SUMS[1] | about]))
    assert {key: item[key] for key in about} == about
    (plain,) = items_of(write(tmp_path / "q.jsonl", SUMS[1:2]))
    assert (plain["id"], plain["task"]) == ("mine/1", "mine")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["{"], "1: not JSON"),
        (["\xff\xfe{"], "1: not JSON"),
        ([SUMS[0], {"question": "q"}], "2: missing key 'target'"),
        ([SUMS[0] | {"optoins": []}], "1: unknown key 'optoins'; did you mean 'options'?"),
        ([SUMS[0] | {"question": " "}], "1: question must not be blank"),
        ([SUMS[0] | {"target": 3}], "1: target must be a valid string, got 3"),
        ([CHOICES[0] | {"options": ["n1"]}], "1: options"),
        ([CHOICES[0] | {"target": "n7"}], "1: target: no option is 'n7'; there are: (A) n0; (B)"),
        ([CHOICES[0] | {"target": "(D)"}], "1: target: no option is '(D)'"),
        ([CHOICES[0] | {"options": ["n1", "N1"]}], "1: options: 'n1' and 'N1' are one answer"),
        ([CHOICES[0] | {"options": ["(A) n1", "n2"]}], "1: options: all of them begin"),
        ([CHOICES[0] | {"options": ["(A) n1", "(A) n2"]}], "1: options: two of them have"),
        ([{"question": "a?\nOptions:\n(A) x\n(B) y", "target": "(A)", "options": ["p", "q"]}],
         "1: target: no option is '(A)'"),
        ([{"question": "a?\nOptions:\n(A) x\n(B) y", "target": "x", "options": ["y", "x"]}],
         "1: options: not those that the question lists"),
        ([SUMS[0] | {"target": "two\nlines"}], "1: target: 'two\\nlines' cannot be read back"),
        ([SUMS[0], SUMS[1], SUMS[0]], "3: the question of line 1 once more: 'what is 0 plus 0?'"),
        ([SUMS[0] | {"id": "a"}, SUMS[1] | {"id": "a"}], "2: the id of line 1 once more: 'a'"),
        ([SUMS[0], SUMS[1] | {"cluster": "c"}], "2: cluster: all lines have it, or none"),
        ([], "no questions"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_what_is_wrong(
    tmp_path: Path, rows: list[Any], expected: str
) -> None:
    found = faults_of(tmp_path, *rows)
    assert len(found) == 1 and expected in found[0]


def test_check_names_every_bad_line_and_tells_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good.jsonl", SUMS)
    assert main(["task", "check", str(good)]) == 0
    assert "12 questions, 0 bad lines" in capsys.readouterr().out
    bad = write(tmp_path / "bad.jsonl", [SUMS[0], {"question": "q"}, SUMS[0], CHOICES[0]])
    assert main(["task", "check", str(bad)]) == 1
    told = capsys.readouterr()
    assert [line.rpartition(": ")[0].count("bad.jsonl:") for line in told.err.splitlines()] == [
        1,
        1,
    ]
    assert "2 bad lines" in told.out
    other = tmp_path / "utf16.jsonl"
    other.write_text(json.dumps(SUMS[0]), encoding="utf-16")
    assert main(["task", "check", str(other)]) == 1
    assert "UTF-16" in capsys.readouterr().err


# ---------------------------------------------------------------- tasks of lm-eval


def test_a_yaml_gives_the_items_and_the_scores_of_the_lines_that_it_reads(tmp_path: Path) -> None:
    for number, (rows, kind, more) in enumerate(
        (
            (SUMS, "generate_until", ""),
            (CHOICES, "multiple_choice", 'doc_to_choice: "{{options}}"\n'),
        )
    ):
        text = JSON_YAML.format(name="mine", kind=kind) + more
        folder = as_yaml(tmp_path / str(number), rows, text)
        found = templates.read("mine", folder, trusted=False).items
        assert found == items_of(folder / "rows.jsonl")


class Canned(LM):
    """Answers what it is given: a text to each prompt, or the option that is the likeliest."""

    def __init__(self, answers: Sequence[str], picked: Sequence[int]) -> None:
        super().__init__()
        self._answers, self._picked = answers, picked

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        return [self._answers[request.doc_id] for request in requests]

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        likely = [request.idx == self._picked[request.doc_id] for request in requests]
        return [(0.0 if each else -1e9, each) for each in likely]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any:
        raise NotImplementedError


def gsm8k(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "gsm8k" / "test.jsonl").open()][:60]


def bbh(data: Path) -> list[dict[str, Any]]:
    return json.loads((data / "bbh/bbh/boolean_expressions.json").read_text())["examples"][:60]


def arc(data: Path) -> list[dict[str, Any]]:
    """As lm-eval has ARC: the labels and the texts of the choices apart."""
    found = list[dict[str, Any]]()
    for row in json.loads((data / "cascod/ARC-Easy-Test.json").read_text())[:60]:
        question, _, listing = row["input"].removeprefix("Question: ").partition("\nOptions:\n")
        parts = [re.fullmatch(r"\((\w)\) (.*)", option) for option in listing.split("\n")]
        choices = {"label": [m[1] for m in parts if m], "text": [m[2] for m in parts if m]}
        found.append(
            {"question": question, "choices": choices, "answerKey": row["target"].strip("()")}
        )
    return found


@pytest.mark.parametrize(
    ("name", "path", "rows"),
    [
        ("gsm8k", "gsm8k/gsm8k.yaml", gsm8k),
        ("bbh_cot_zeroshot_boolean_expressions", "bbh/cot_zeroshot/boolean_expressions.yaml", bbh),
        ("arc_easy", "arc/arc_easy.yaml", arc),
    ],
)
def test_lm_evals_own_tasks_keep_their_own_score_on_the_same_answers(
    data: Path, tmp_path: Path, name: str, path: str, rows: Callable[[Path], list[dict[str, Any]]]
) -> None:
    """Solutions of four kinds in turn: right with our closing sentence or with the task's own,
    wrong, and none. lm-eval reads them as the completions of its own prompts."""
    text = (
        f"include: {OWN / path}\ntask: mine\ndataset_name: null\ndataset_path: json\n"
        "num_fewshot: 0\nfewshot_split: null\ntraining_split: null\nvalidation_split: null\n"
        "dataset_kwargs: {data_files: {test: rows.jsonl}}\n"
    )
    folder = as_yaml(tmp_path, rows(data), text)
    foreign = templates.read("mine", folder, trusted=False)
    answers, picked = list[str](), list[int]()
    for number, item in enumerate(foreign.items):
        n = len(item["options"]) or 2
        right = (
            item["options"].index(
                next(
                    (o for o in item["options"] if o.startswith(item["target"])), item["options"][0]
                )
            )
            if item["options"]
            else 0
        )
        pick = (right, right, (right + 1) % n, -1)[number % 4]
        named = f"({'ABCDE'[pick]})" if item["options"] and pick >= 0 else item["target"]
        answers.append(
            (
                f"so. Therefore, the answer is {named}.",
                f"so the answer is {named}.\n#### {named}"
                if not item["options"]
                else f"The answer is {named}",
                f"Therefore, the answer is {named if item['options'] else 'maybe 987654'}.",
                "",
            )[number % 4]
        )
        picked.append(pick)
    task = templates._configured(folder / "mine.yaml")
    evaluated: Any = lm_eval.evaluate(
        Canned(answers, picked), {"tasks": {"mine": task}}, bootstrap_iters=0, log_samples=True
    )
    scored = [foreign.score(item, a) for item, a in zip(foreign.items, answers, strict=True)]
    compared = 0
    for metric, expected in evaluated["results"]["mine"].items():
        key = metric.removesuffix(",none")
        if key in scored[0] and "stderr" not in key:
            values = [each[key] for each in scored]
            # Where nothing is named, nothing is likely: lm-eval then takes the first of equals.
            if task.OUTPUT_TYPE == "multiple_choice":
                samples = evaluated["samples"]["mine"]
                mine = [v for v, p in zip(values, picked, strict=True) if p >= 0]
                assert mine == [
                    float(s[key]) for s, p in zip(samples, picked, strict=True) if p >= 0
                ]
            else:
                assert sum(values) / len(values) == pytest.approx(expected)
            assert 0 < sum(values) < len(values)
            compared += 1
    assert compared == 2


def test_the_frame_around_a_question_is_taken_off() -> None:
    for framed in (
        "Question: what?\nAnswer:",
        "Q: what?\nA: Let's think step by step.",
        "what?\n",
        "Problem: what?\n\nSolution:",
    ):
        assert templates.unframed(framed) == "what?"
    assert templates.unframed("What is Q: the letter?") == "What is Q: the letter?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("doc_to_tetx: x\n", r"unknown key 'doc_to_tetx'; did you mean 'doc_to_text'\?"),
        ('doc_to_text: "{{missing}}"\n', "UndefinedError: 'missing' is undefined"),
        ("doc_to_text: \"{{ question.split('plus')[1].split(' 7')[1] }}\"\n", "list object has no"),
        ("output_type: loglikelihood\n", "it ranks a continuation and asks no question"),
        ("output_type: multiple_choice\n", "choices"),
        ("doc_to_target: \"['1', '2']\"\n", "it has several right answers"),
        ("repeats: 3\n", "several times"),
        ("dataset_kwargs: {data_files: {test: gone.jsonl}}\n", "gone.jsonl"),
    ],
)
def test_a_yaml_that_cannot_be_asked_is_refused_with_the_reason(
    tmp_path: Path, text: str, expected: str
) -> None:
    key = text.partition(":")[0]
    base = JSON_YAML.format(name="mine", kind="generate_until")
    kept = "".join(x + "\n" for x in base.splitlines() if not x.startswith(f"{key}:"))
    folder = as_yaml(tmp_path, SUMS, kept + text)
    with pytest.raises(ConfigError, match=expected) as told:
        templates.read("mine", folder, trusted=False)
    assert str(folder / "mine.yaml") in str(told.value)


def test_a_template_that_fails_on_one_row_names_it(tmp_path: Path) -> None:
    rows = [*SUMS[:8], {"question": "what is left?", "target": "9"}]
    text = JSON_YAML.format(name="mine", kind="generate_until").replace(
        "{{question}}", "{{ question.split('plus')[1] }}"
    )
    folder = as_yaml(tmp_path, rows, text)
    with pytest.raises(ConfigError, match=r"mine\.yaml: row 9: UndefinedError"):
        templates.read("mine", folder, trusted=False)


@pytest.mark.parametrize(
    "text",
    [
        "process_docs: !function spy.ran\n",
        "custom_dataset: !function spy.ran\n",
        "class: !function spy.Ran\n",
        "use_prompt: promptsource:x\n",
        "dataset_path: pandas\n",
        "metric_list: [{metric: exact_match, hf_evaluate: true}]\n",
        "metric_list: [{metric: somebody/code}]\n",
        "metric_list: [somebody/code]\n",
        "include: other.yaml\n",
    ],
)
@pytest.mark.parametrize("is_link", [False, True])
def test_what_would_run_code_is_refused_unless_it_is_trusted(
    tmp_path: Path, text: str, is_link: bool
) -> None:
    (tmp_path / "spy.py").write_text("raise SystemExit('it ran')\n")
    (tmp_path / "other.yaml").write_text("process_results: !function spy.ran\n")
    base = JSON_YAML.format(name="mine", kind="generate_until")
    key = text.partition(":")[0]
    kept = "".join(x + "\n" for x in base.splitlines() if not x.startswith(f"{key}:"))
    folder = as_yaml(tmp_path, SUMS, kept + text)
    if is_link:  # what it includes lies beside the file, not beside the link
        folder = tmp_path / "links"
        folder.mkdir()
        (folder / "mine.yaml").symlink_to(next(tmp_path.glob("mine*.yaml")))
        (folder / "other.yaml").write_text("doc_to_text: harmless\n")
    with pytest.raises(ConfigError, match="runs code; look at it, then pass --trust-task-code"):
        templates.read("mine", folder, trusted=False)


def test_a_template_reaches_nothing_but_its_row(tmp_path: Path) -> None:
    text = JSON_YAML.format(name="mine", kind="generate_until").replace(
        "{{question}}", "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    )
    folder = as_yaml(tmp_path, SUMS, text)
    with pytest.raises(ConfigError, match="SecurityError"):
        templates.read("mine", folder, trusted=False)


def test_trusted_code_runs(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(
        "def halved(docs):\n    return docs.select(range(len(docs) // 2))\n"
    )
    text = JSON_YAML.format(name="mine", kind="generate_until")
    folder = as_yaml(tmp_path, SUMS, f"{text}process_docs: !function code.halved\n")
    assert len(templates.read("mine", folder, trusted=True).items) == 6


# ---------------------------------------------------------------- in a track


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a track of own questions: a file, a YAML, and one built-in data set."""
    folder = tmp_path / "study"
    write(folder / "sums.jsonl", SUMS)
    write(folder / "twins.jsonl", [SUMS[0] | {"id": "sums/1"}])
    write(folder / "sums.dev.jsonl", [{"question": "what is 50 plus 50?", "target": "100"}])
    as_yaml(folder / "yaml", CHOICES, JSON_YAML.format(name="choices", kind="multiple_choice")
            + 'doc_to_choice: "{{options}}"\n', "choices")  # fmt: skip
    text = toy_track(id="sums.jsonl", ood=["choices", "pocket_unseen"])
    text = text.replace("[tasks]\n", '[tasks]\ninclude = "yaml"\n')
    (folder / "own.toml").write_text(text)
    monkeypatch.setenv("SKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return folder / "own.toml"


def test_own_questions_are_trained_for_judged_and_scored_beside_lm_evals_score(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "study/own.toml", "--limit", "6"]) == 0
    told = capsys.readouterr().err
    (path,) = (tmp_path / "home/records/v1/own/std_cot").glob("*.json")
    record = Record.load(path)
    assert list(record.data_sets) == ["sums", "choices", "pocket_unseen"]
    assert set(record.data_sets["choices"].graded) == {"acc", "acc_norm"}
    assert record.data_sets["sums"].items == [f"sums/{i}" for i in range(1, 7)]
    assert str(tmp_path) not in json.dumps(record.snapshot)
    pins = re.findall(r'^(\w+) = "([0-9a-f]{64})"$', told, re.MULTILINE)
    assert [name for name, _ in pins] == ["sums", "choices"]

    study.write_text(
        study.read_text()
        + "\n[tasks.items_sha256]\n"
        + "".join(f'{name} = "{pin}"\n' for name, pin in pins)
    )
    obtain.check(load(str(study)))
    write(study.parent / "sums.jsonl", SUMS[1:])
    obtain._read.cache_clear()
    with pytest.raises(ConfigError, match="data set 'sums': other items than the track pins"):
        obtain.check(load(str(study)))


def test_other_questions_are_another_cell(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(study), "--limit", "2", "--methods", "zero_shot"]
    for expected in ("running", "found"):
        assert main(words) == 0
        assert f"zero_shot seed 0: {expected}" in capsys.readouterr().err
    write(study.parent / "sums.jsonl", SUMS[::-1])
    obtain._read.cache_clear()
    assert main(words) == 0
    assert "zero_shot seed 0: running" in capsys.readouterr().err


def test_dev_questions_lie_beside_the_others(study: Path, tmp_path: Path) -> None:
    text = study.read_text().replace('"choices", ', "")
    study.write_text(text)
    assert main(["run", str(study), "--split", "dev", "--limit", "2"]) == 0
    (path,) = (tmp_path / "home/records/v1/own/std_cot").glob("*.json")
    assert Record.load(path).data_sets["sums"].items == ["sums/dev/1"]
    write(study.parent / "sums.dev.jsonl", SUMS[3:4])
    obtain._read.cache_clear()
    with pytest.raises(ConfigError, match="sums/dev/1 stands in sums"):
        obtain.check(load(str(study)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"choices"', '"choises"', "unknown task 'choises'"),
        ("sums.jsonl", "gone.jsonl", "gone.jsonl: no such file"),
        ("sums.jsonl", "x/pocket_hop.jsonl", "is called as a built-in task; rename it"),
        ('"choices"', '"sums"', "'sums' stands there 2 times"),
        ('"choices"', '"pocket_ood"', "task 'pocket_ood' is a group"),
        ('"choices"', '"twins.jsonl"', "'sums' and 'twins' both have a question with the id"),
        ('include = "yaml"', 'include = "yml"', "tasks.include: no folder"),
        ("[tasks]", '[tasks]\nitems_sha256 = {other = "x"}', "'other' is no data set"),
        ("about =", 'folder = "/"\nabout =', "unknown key 'folder'"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_fault_of_the_questions_is_told_before_anything_is_trained(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    old: str, new: str, expected: str, dry: list[str],
) -> None:  # fmt: skip
    study.write_text(study.read_text().replace(old, new, 1))
    assert main(["run", str(study), *dry]) in (2, 3)
    told = capsys.readouterr().err
    assert expected in told and "running" not in told
    assert not (tmp_path / "home" / "runs").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--world", "1"], "is of no world"), (["--sealed", "3"], "has no sealed items"),
     (["--split", "dev"], "data set 'choices' has no dev items")],
)  # fmt: skip
def test_own_questions_have_no_world_and_nothing_sealed(
    study: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    assert main(["run", str(study), *words]) == 2
    assert expected in capsys.readouterr().err


def test_show_prints_items_as_a_method_is_given_them(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", "show", "choices", "--include", "study/yaml", "--items", "1"]) == 0
    told = capsys.readouterr().out
    assert "which comes after 0?\nOptions:\n(A) n0\n(B) n1\n(C) n2\n" in told
    assert "Question:" not in told and "lm-eval's own: acc, acc_norm" in told
    assert main(["task", "show", "study/sums.jsonl", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["n"], len(body["items"]), body["metrics"]) == (12, 3, [])
    assert main(["task", "show", "pocket_chain", "--split", "dev"]) == 0
    assert "pocket_chain/w0-dev/0" in capsys.readouterr().out


def test_the_library_still_finds_its_own_tasks_in_the_sandbox() -> None:
    templates._sandbox()
    config = load_yaml(OWN / "gsm8k" / "gsm8k.yaml")
    rendered = lm_eval.utils.apply_template(config["doc_to_text"], {"question": "what?"})
    assert templates.unframed(rendered) == "what?"
