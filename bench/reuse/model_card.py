"""The model card of an exported student: what it is and what was measured, and no more."""

import json
from pathlib import Path
from typing import Any

import tasks
from bench.reuse.export import Run
from bench.students import student as students
from bench.track import Student, names

PINNED = Path(tasks.__file__).parent / "corpora"


def model_card(run: Run, results: str, *, merged: bool) -> str:
    """Markdown with a YAML head; `results` is what the board says of the run's records."""
    track, kind = run.track, _kind(run, merged)
    return (
        "\n\n".join(
            [
                _head(run, merged),
                f"# {run.label} on {track.name}, seed {run.seed}",
                f"A student trained by skintern-bench with the method `{run.label}` on the track"
                f" `{track.name}` (v{track.version}): {track.about} This folder holds {kind}.",
                "## What it was made of\n\n" + "\n".join(f"- {line}" for line in _facts(run)),
                "## Training\n\n" + "\n".join(f"- {line}" for line in _training(run)),
                f"## Accuracy\n\n{results}\n\nIntervals speak of the questions alone, not of other"
                " seeds.",
                "## Use\n\n" + _use(run),
                "## Limits\n\n" + _limits(run),
            ]
        )
        + "\n"
    )


def _head(run: Run, merged: bool) -> str:
    spec = run.track.student
    adapter = run.is_adapter and not merged
    lines = [f"library_name: {'peft' if adapter else 'transformers'}"]
    if spec.path is not None and not Path(students.checkpoint_path(spec)).is_dir():
        lines.append(f"base_model: {json.dumps(spec.path)}")  # the hub takes its own ids alone
    lines.append("tags: [skintern-bench, chain-of-thought-distillation]")
    return "\n".join(["---", *lines, "---"])


def _kind(run: Run, merged: bool) -> str:
    if not run.is_adapter:
        return "its full weights and its tokenizer"
    return (
        "its weights with the LoRA adapter merged in, and its tokenizer"
        if merged
        else "its LoRA adapter, to be loaded over the base student, and its tokenizer"
    )


def _facts(run: Run) -> list[str]:
    fields = ", ".join(f"{name} = {value!r}" for name, value in sorted(run.fields.items()))
    lines = [
        f"Base student: {_base(run.student, run)}",
        f"Method: `{run.label}`{f', with {fields}' if fields else ', which has no fields'}",
        _corpus(run),
    ]
    for name in ("commit", "command"):
        if run.told(name):
            lines.append(f"{name.capitalize()}: `{run.told(name)}`")
    if run.told("dirty"):
        lines.append("The working tree had changes that are not in that commit.")
    return lines


def _base(spec: Student, run: Run) -> str:
    if spec.path is None:
        return f"random weights (seed {run.seed}), with a byte-level BPE of the corpus"
    revision = spec.revision
    sha256 = run.told("student_sha256")
    pins = [f"revision `{revision}`"] if revision else []
    pins += [f"sha256 of its files `{sha256}`"] if sha256 else []
    file = f" (its file `{spec.gguf_file}`)" if spec.gguf_file else ""
    return f"`{spec.path}`{file}, {' and '.join(pins) or 'its revision was not recorded'}"


def _corpus(run: Run) -> str:
    """Name, teacher and licence; the licence only from the manifest of the very same corpus."""
    name, sha256 = run.track.corpus, run.told("corpus_sha256")
    pinned = PINNED / f"{name}.json"
    found: dict[str, Any] = json.loads(pinned.read_text()) if pinned.is_file() else {}
    if sha256 is None or found.get("sha256") != sha256:
        found = {}
    teacher = f", rationales of {found['teacher']}" if found.get("teacher") else ""
    licence = found.get("licence") or "not recorded here; ask where the corpus comes from"
    return (
        f"Corpus: `{name}`{f' (sha256 `{sha256}`)' if sha256 else ''}{teacher}. Licence: {licence}"
    )


def _training(run: Run) -> list[str]:
    spent, budget = run.spent, run.training
    weights = f"LoRA of rank {budget.lora_rank}" if budget.lora_rank else "full fine-tuning"
    lines = [
        f"{weights}, learning rate {budget.learning_rate:g}, batches of {budget.batch_size},"
        f" {budget.precision}",
        f"{spent.n_examples:,} examples, {spent.step:,} optimizer steps,"
        f" {spent.tokens:,} tokens, {spent.seconds:,.0f} s",
    ]
    if spent.final_loss is not None:
        lines.append(f"Loss of the last step: {spent.final_loss:.4f}")
    if spent.skipped_examples or spent.dropped_demos:
        lines.append(
            f"Left out because they did not fit: {spent.skipped_examples:,} examples,"
            f" {spent.dropped_demos:,} shots"
        )
    return lines


def _use(run: Run) -> str:
    return (
        "The student expects the method's own test prompts. This asks them, and scores the"
        " answers:\n\n"
        f"    skbench evaluate --student THIS_FOLDER --method '{run.label}'"
        f" --track {_track(run)}"
    )


def _track(run: Run) -> str:
    """What names the run's track to others: a point of a sweep or an own track is a file's."""
    name = run.track.name
    return name if name in names() else f"{name}.toml"


def _limits(run: Run) -> str:
    tested = ", ".join([*run.track.tasks.id, *run.track.tasks.ood])
    return (
        f"One run with one seed, judged at most on {tested}, with greedy decoding and the method's"
        " prompts. Nothing is known of other prompts, other questions, other languages, or of"
        " its safety. The errors of the teacher's rationales are in it. The licence of the base"
        " student applies beside that of the corpus."
    )
