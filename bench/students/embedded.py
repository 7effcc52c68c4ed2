"""The students that a suite embeds: made, probed and described on their cards."""

import importlib
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import tasks
from bench.ground.files import write_atomically
from bench.ground.provenance import file_sha256
from bench.ground.quiet import quiet_libraries
from bench.students import student as students
from bench.students.generate import Generator
from bench.students.pretrain import pretrain
from bench.students.student import Student
from bench.track import ConfigError, Decoding
from bench.track import Student as Spec
from leaderboard.store.reading import nearest

TASKS = Path(tasks.__file__).parent
N_PROBE = 96


def probe(student: Student, pretraining: ModuleType) -> dict[str, float]:
    """Strict accuracy on what the suite's `probes` ask."""
    from tasks.scoring import matches, strict

    decoding = Decoding(max_new_tokens=128, batch_size=128, stop=["\n\nQuestion:"])
    generator, found = Generator(student, decoding), dict[str, float]()
    for name, pairs in pretraining.probes(N_PROBE).items():
        written = generator.complete([prompt for prompt, _ in pairs])
        right = 0
        for completion, (_, gold) in zip(written, pairs, strict=True):
            answer = strict(completion.text)
            right += answer is not None and matches(answer, gold)
        found[name] = right / len(pairs)
    return found


def make(suite: str, name: str, out: Path | None, *, only_probe: bool) -> dict[str, Any]:
    """Pretrain and probe the student `tasks/SUITE/NAME.toml`, or only probe the one there is."""
    folder = TASKS / suite
    if not (folder / "student.toml").is_file():
        valid = sorted(path.parent.name for path in TASKS.glob("*/student.toml"))
        raise ConfigError(f"suite '{suite}' embeds no student: {nearest(suite, valid)}")
    if not (folder / f"{name}.toml").is_file():
        valid = sorted(path.stem for path in folder.glob("*.toml"))
        raise ConfigError(f"suite '{suite}' has no student '{name}': {nearest(name, valid)}")
    quiet_libraries()
    pretraining = importlib.import_module(f"tasks.{suite}.pretraining")
    vocabulary = importlib.import_module(f"tasks.{suite}.vocabulary")
    recipe = tomllib.loads((folder / f"{name}.toml").read_text())
    out = out or folder / name
    if not only_probe:
        tokenizer = vocabulary.build_tokenizer()
        done = pretrain(pretraining, tokenizer, recipe)
        report = {
            "data": pretraining.VERSION,
            "recipe": recipe,
            "parameters": done.model.num_parameters(),
            "tokens": done.n_tokens,
            "curve": done.curve,
        }
        _save(done.model, tokenizer, out, report)
    student = students.load(Spec(path=str(out)), texts=(), home=out, seed=0)
    found = json.loads((out / "pretraining.json").read_text())
    found["probe"] = probe(student, pretraining)
    found["sha256"] = file_sha256(out / "model.safetensors")
    if not only_probe:
        write_atomically(out / "pretraining.json", (json.dumps(found, indent=1) + "\n").encode())
        write_atomically(
            out / "README.md", card(suite, name, pretraining.__doc__ or "", found).encode()
        )
    return found


def _save(model: Any, tokenizer: Any, out: Path, report: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_atomically(out / "pretraining.json", json.dumps(report).encode())
    for path in out.iterdir():
        path.chmod(0o644)


def describe(found: dict[str, Any]) -> str:
    """The probe as a table."""
    from tabulate import tabulate

    return tabulate(found["probe"].items(), headers=("probe", "accuracy"), floatfmt=".3f")


def card(suite: str, name: str, about: str, found: dict[str, Any]) -> str:
    """The model card: what it is, how it was made, what it can do."""
    from tabulate import tabulate

    config = found["recipe"]["config"]
    every = max(1, len(found["curve"]) // 12)
    curve = [tuple(point.values()) for point in found["curve"][::-every][::-1]]
    probes = [(name, f"{value:.1%}") for name, value in found["probe"].items()]
    command = f"skbench pretrain {suite} --student {name}"
    return f"""# {suite}: {name}

{config["model_type"]}, {found["parameters"]:,} parameters, made by `{command}` from
`tasks/{suite}/{name}.toml`.

{about.strip()}

- seed {found["recipe"]["seed"]}, data version `{found["data"]}`, {found["tokens"]:,} tokens
- sha256 of `model.safetensors`: `{found["sha256"]}`
- licence: Apache-2.0

## Loss

{tabulate(curve, headers=("stage", "step", "loss"), tablefmt="github")}

## Probe

Strict accuracy; `{command} --probe` prints it again.

{tabulate(probes, headers=("prompt", "accuracy"), tablefmt="github")}
"""
