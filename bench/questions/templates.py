"""A task of lm-eval as questions and answers, with the score that lm-eval itself would give.

A method words its own prompts, so a task's description and shots are left out, and the frame that
its text puts around a question ("Question: .. Answer:") is taken off. What a YAML of somebody's
says is data: its templates are rendered in a sandbox, and what would run code is refused unless
it is trusted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import lm_eval.utils
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lm_eval.api.instance import Instance
from lm_eval.api.registry import METRIC_REGISTRY
from lm_eval.api.task import ConfigurableTask
from lm_eval.config.task import TaskConfig
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from bench.ground.quiet import quiet_libraries
from bench.questions import lines
from bench.track import ConfigError
from leaderboard.store.reading import nearest
from tasks import raw
from tasks.docs import Item
from tasks.scoring import flexible, matches

FRAMES = (
    (r"^(?:Question|Q|Problem|Input):\s*", ""),
    (r"\s*\n(?:Answer|A|Solution|Output):\s*(?:Let's think step by step\.?)?\s*$", ""),
)
"""What tasks put around a question, as (pattern, what takes its place)."""
SOLUTION_ENDS = "####"
"""Before the answer, where a target holds a whole solution, as GSM8K's does."""
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow"})
"""Of data sets, that read files and run nothing."""
CODE_KEYS = frozenset(
    {"class", "custom_dataset", "process_docs", "process_results", "unsafe_code", "use_prompt"}
)
"""Of a YAML, that name code."""
REFUSED = {
    "loglikelihood": "ranks a continuation and asks no question",
    "loglikelihood_rolling": "measures a whole text and asks no question",
}


@dataclass(frozen=True)
class Foreign:
    """A task of lm-eval with its items; `dev` is its validation part beside a test part."""

    task: Any
    items: list[Item]
    docs: Mapping[str, Mapping[str, Any]]
    """Item id -> the row of lm-eval's own data set."""
    dev: list[Item]

    def score(self, item: Mapping[str, Any], solution: str) -> dict[str, float]:
        """lm-eval's own metrics of a solution: "METRIC" or "METRIC,FILTER" -> a number.

        Where it ranks options by likelihood, the option that the solution names is the likeliest.
        """
        doc = self.docs[item["id"]]
        if self.task.OUTPUT_TYPE == "multiple_choice":
            named = flexible(solution, item["options"]) or ""
            picked = [named != "" and matches(o, named, item["options"]) for o in item["options"]]
            ranked = [(0.0 if each else -1e9, each) for each in picked]
            found = self.task.process_results(doc, ranked)
            return {name: float(any(picked)) * value for name, value in _numbers(found)}
        asked = Instance("generate_until", dict(doc), ("", {}), 0, ("", 0, 1))
        asked.resps = [solution]
        scores = dict[str, float]()
        for each in self.task._filters:
            each.apply([asked])
            found = self.task.process_results(doc, [asked.filtered_resps[each.name]])
            named = len(self.task._filters) > 1 or self.task.config.filter_list is not None
            suffix = f",{each.name}" if named else ""
            scores |= {f"{name}{suffix}": value for name, value in _numbers(found)}
        return scores


def read(name: str, include: Path | None, *, trusted: bool) -> Foreign:
    """The task `name` of the folder `include`, else lm-eval's own; ConfigError says what of it
    cannot be asked, and why."""
    quiet_libraries()
    _sandbox()
    known = TaskManager(include_path=str(include), include_defaults=False) if include else None
    if known is None or name not in known.task_index:
        known, include = _library(), None
    entry = known.task_index.get(name)
    if entry is None:
        raise ConfigError(f"unknown task '{name}': {nearest(name, known.all_tasks)}")
    if name not in known.all_subtasks:
        raise ConfigError(f"task '{name}' is a group or a tag: name its tasks one by one")
    where = str(entry.yaml_path or name)
    suspect = entry.yaml_path if include and not trusted else None
    if code := suspect and ", ".join(dict.fromkeys(code_in(suspect))):
        raise ConfigError(
            f"{where}: {code} runs code; look at it, then pass --trust-task-code to run it"
            " (`skbench board` never does)"
        )
    try:
        own = entry.yaml_path if include else None
        task = _configured(own) if own else known.load([name])["tasks"][name]
    except Exception as error:  # of a template, a data set or a key: all that a YAML can get wrong
        raise ConfigError(f"{where}: {_told(error)}") from error
    if reason := _refused(task):
        raise ConfigError(f"{where}: cannot be asked as question and answer: it {reason}")
    test: Any = task.test_docs() if task.has_test_docs() else None
    valid: Any = task.validation_docs() if task.has_validation_docs() else None
    pairs = _items(task, name, where, test if test is not None else valid)
    dev = _items(task, f"{name}/dev", where, valid) if test is not None and valid else []
    docs = {item["id"]: doc for item, doc in [*pairs, *dev]}
    return Foreign(task, [item for item, _ in pairs], docs, [item for item, _ in dev])


@cache
def _library() -> TaskManager:
    """Of lm-eval's own tasks, whose thousands of files take seconds to list."""
    return TaskManager()


def _sandbox() -> None:
    """Render templates in a sandbox: in the library's own they could reach any object."""
    if not isinstance(lm_eval.utils.env, ImmutableSandboxedEnvironment):
        sandbox = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, keep_trailing_newline=True
        )
        sandbox.filters |= lm_eval.utils.env.filters
        lm_eval.utils.env = sandbox


def code_in(path: Path) -> Iterator[str]:
    """What of a YAML, and of those that it includes, would run code of its author's."""
    path = path.resolve()  # as lm-eval does: what it includes lies beside the file itself
    found = list[str]()

    class Reader(yaml.SafeLoader):
        pass

    Reader.add_constructor("!function", lambda _, node: found.append(f"!function {node.value}"))
    try:
        config = yaml.load(path.read_bytes(), Reader)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: expected keys and values")
    yield from found
    yield from sorted(CODE_KEYS & config.keys())
    builder = config.get("dataset_path")
    if isinstance(builder, str) and "/" not in builder and builder not in BUILDERS:
        yield f"dataset_path: {builder}"
    for metric in config.get("metric_list") or ():
        told: Mapping[str, Any] = metric if isinstance(metric, dict) else {"metric": metric}
        if told.get("hf_evaluate") or str(told.get("metric")) not in METRIC_REGISTRY:
            yield f"metric {told.get('metric')}"
    included = config.get("include") or []
    for name in included if isinstance(included, list) else [included]:
        yield from code_in(path.parent / name)


def _configured(path: Path) -> Any:
    """The task of a YAML. Data files that lie beside it are found from anywhere: lm-eval looks for
    them where it was started."""

    def found(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: found(each) for key, each in value.items()}
        if isinstance(value, list):
            return [found(each) for each in value]
        return str(path.parent / value) if (path.parent / value).is_file() else value

    config = {k: v for k, v in load_yaml(path).items() if k not in ("tag", "group", "task_list")}
    kwargs = config.get("dataset_kwargs") or {}
    if "data_files" in kwargs:
        config["dataset_kwargs"] = kwargs | {"data_files": found(kwargs["data_files"])}
    return ConfigurableTask(config=config)


def _refused(task: Any) -> str:
    """Why the task is no question with one answer; "" if it is."""
    kind = task.OUTPUT_TYPE
    if kind in REFUSED:
        return REFUSED[kind]
    if kind == "multiple_choice" and task.config.doc_to_choice is None:
        return "ranks choices and names none (doc_to_choice)"
    if task.multiple_input:
        return "ranks questions, not answers"
    if task.multiple_target:
        return "has several right answers to a question"
    if getattr(task, "MULTIMODAL", False):
        return "shows pictures or sounds"
    return "asks a question several times (repeats)" if task.config.repeats > 1 else ""


def _items(
    task: Any, name: str, where: str, docs: Sequence[Mapping[str, Any]] | None
) -> list[tuple[Item, Mapping[str, Any]]]:
    found = list[tuple[Item, Mapping[str, Any]]]()
    for number, doc in enumerate(docs or (), 1):
        try:
            found.append((_item(task, f"{name}/{number}", doc), doc))
        except Exception as error:  # whatever a template can do to a row
            raise ConfigError(f"{where}: row {number}: {_told(error)}") from error
    for number, what in lines.wrong(list(enumerate((item for item, _ in found), 1))):
        raise ConfigError(f"{where}: row {number}: {what}")
    if not found:
        raise ConfigError(f"{where}: has no rows to ask")
    return found


def _item(task: Any, name: str, doc: Mapping[str, Any]) -> Item:
    question, target = unframed(task.doc_to_text(doc)), task.doc_to_target(doc)
    options = [str(each) for each in task.doc_to_choice(doc)] if task.config.doc_to_choice else []
    if options and isinstance(target, int):
        target = options[target]
    target = str(target).rpartition(SOLUTION_ENDS)[2].strip()
    if options or (options := raw.listed_in(question)):
        question, options, target = lines.with_options(question, options, target)
    return {
        "id": name, "task": task.config.task, "question": question, "options": options,
        "target": target,
    }  # fmt: skip


def unframed(text: str) -> str:
    """A question without the words that a task puts around it."""
    for pattern, instead in FRAMES:
        text = re.sub(pattern, instead, text)
    return text.strip()


def _numbers(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The metrics that are a number of one question; others are of a whole corpus."""
    return [(k, float(v)) for k, v in found.items() if isinstance(v, (bool, int, float))]


def _told(error: Exception) -> str:
    """An error in one line; a slip in a key with the nearest."""
    text = " ".join(str(error).split())
    if slip := re.search(r"unexpected keyword argument '(\w+)'", text):
        known = [field.name for field in fields(TaskConfig)]
        return f"unknown key '{slip[1]}'; {nearest(slip[1], known)}"
    return f"{type(error).__name__}: {text}"
