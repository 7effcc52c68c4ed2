"""Teacher corpora: build, keep and check them; say what one cannot serve."""

import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

import tasks
from bench.corpora.rows import OPTIONAL, PARTS, CorpusError, read_part, read_rows
from bench.ground.bars import stage
from bench.ground.files import locked, write_atomically
from bench.ground.provenance import digest, file_sha256, sources_sha256
from bench.track import ConfigError
from bench.types import Needs
from leaderboard.store.reading import nearest
from tasks.corpora import canonical, n_tokens
from tasks.docs import items_sha256

TASKS = Path(tasks.__file__).parent
MANIFEST = "manifest.json"
HASHES = {"corpus": "sha256"} | {name: f"{name}_sha256" for name in PARTS}
"""File of a corpus, without its ending -> what its manifest calls its hash."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A checked corpus: rows, passages to retrieve from, and its manifest."""

    rows: Sequence[Mapping[str, Any]]
    passages: Sequence[str]
    manifest: Mapping[str, Any]
    labels: Sequence[Mapping[str, Any]] = ()
    """Triples that people judged, for a critic."""
    drafts: Sequence[Mapping[str, Any]] = ()
    """What the teacher answers to questions of a test, where the suite has no answers of it."""
    indices: Path | None = None
    """Where indices over its texts are kept; None keeps none."""

    @property
    def sha256(self) -> str:
        return self.manifest["sha256"]

    @property
    def texts(self) -> list[str]:
        """Question and solution of every row: what a tokenizer from scratch learns."""
        parts = ("question", "phrase", "rationale", "answer")
        return [" ".join(row[part] for part in parts if row.get(part)) for row in self.rows]

    def cut(self, *, labels: int, triples: int) -> "Corpus":
        """For a trial: at most so many labels of each split and judgement, and so many triples of
        each source; all of it where it has neither."""
        kind = itemgetter("split", "label")
        rows = self.rows
        if any(row.get("phrase") for row in rows):
            rows = _at_most(triples, rows, lambda row: row.get("source"))
        return replace(self, rows=rows, labels=_at_most(labels, self.labels, kind))


def _at_most(
    n: int, rows: Sequence[Mapping[str, Any]], kind: Callable[[Mapping[str, Any]], object]
) -> list[Mapping[str, Any]]:
    """`n` rows of each kind, drawn and in the order they had."""
    places = defaultdict[object, list[int]](list)
    for place, row in enumerate(rows):
        places[kind(row)].append(place)
    drawn = [Random(n).sample(each, min(n, len(each))) for each in places.values()]
    return [rows[place] for place in sorted(chain(*drawn))]


def builders() -> dict[str, Any]:
    """Corpus name -> the teacher module that builds it, found as tasks/*/teacher.py."""
    modules = [
        importlib.import_module(f"tasks.{path.parent.name}.teacher")
        for path in sorted(TASKS.glob("*/teacher.py"))
    ]
    return {name: module for module in modules for name in module.CORPORA}


def obtain(name: str, home: Path, *, world: int, data_dir: Path | None) -> Corpus:
    """The corpus from `home`, built first if it is not there or damaged, and checked against its
    manifest."""
    if name.endswith(".jsonl"):
        return _read_own(Path(name), home / "indices")
    known = builders()
    if name not in known:
        raise ConfigError(f"unknown corpus '{name}': {nearest(name, sorted(known))}")
    folder = home / "corpora" / f"{name}-w{world}-{_generator()[:8]}"
    with locked(folder):
        if not _is_as_built(folder):
            _build(name, known[name], folder, world=world, data_dir=data_dir)
    manifest = json.loads((folder / MANIFEST).read_text())
    pinned = TASKS / "corpora" / f"{name}.json"
    if world == 0 and pinned.exists():
        expected = json.loads(pinned.read_text())
        for key in HASHES.values():
            if manifest.get(key) != expected.get(key):
                raise CorpusError(
                    f"corpus '{name}' in {folder} has {key} {manifest[key][:12]}, its manifest"
                    f" {pinned.name} says {expected[key][:12]}: delete the folder to build it"
                    " again, or update the manifest if the corpus was changed on purpose"
                )
    rows = read_rows(folder / "corpus.jsonl")
    parts = {part: read_part(folder / f"{part}.jsonl", kind) for part, kind in PARTS.items()}
    return _corpus(rows, parts, manifest, home / "indices")


def _corpus(
    rows: Sequence[Mapping[str, Any]],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
    manifest: Mapping[str, Any],
    indices: Path,
) -> Corpus:
    passages = [row["text"] for row in parts["passages"]]
    return Corpus(rows, passages, manifest, parts["labels"], parts["drafts"], indices)


def _is_as_built(folder: Path) -> bool:
    """Whether its files are those that its manifest tells of; where one was changed, say which."""
    path = folder / MANIFEST
    if not path.is_file():
        return False
    try:
        manifest = json.loads(path.read_bytes())
        for name, key in HASHES.items():
            path = folder / f"{name}.jsonl"
            if key in manifest and file_sha256(path) != manifest[key]:
                raise ValueError(f"not of the sha256 in {MANIFEST}")
    except (OSError, ValueError, TypeError) as error:
        print(f"{path} was changed after it was built ({error}): built again", file=sys.stderr)
        return False
    return True


def _generator() -> str:
    """Another generator, knowledge bank or packed text builds another folder: nothing is stale."""
    packed = [*TASKS.glob("*/knowledge.json"), *TASKS.glob("*/*.json.gz")]
    banks = [file_sha256(path) for path in sorted(packed)]
    return digest([sources_sha256(["tasks"]), banks])


def _build(name: str, teacher: Any, folder: Path, *, world: int, data_dir: Path | None) -> None:
    from tasks.corpora import manifest

    with stage(f"building corpus {name}"):
        corpus = teacher.build(name, world=world, data_dir=data_dir)
    write_atomically(folder / "corpus.jsonl", canonical(corpus.rows))
    write_atomically(folder / "passages.jsonl", canonical(corpus.passages))
    if corpus.labels:
        write_atomically(folder / "labels.jsonl", canonical(corpus.labels))
    if corpus.drafts:
        write_atomically(folder / "drafts.jsonl", canonical(corpus.drafts))
    text = json.dumps(manifest(name, corpus), indent=1) + "\n"
    write_atomically(folder / MANIFEST, text.encode())


def _read_own(path: Path, indices: Path) -> Corpus:
    rows = read_rows(path)
    parts = {
        part: read_part(path.with_suffix(f".{part}.jsonl"), kind) for part, kind in PARTS.items()
    }
    sha256 = items_sha256(rows)
    tokens = {
        "rationale": sum(n_tokens(row.get("rationale") or "", row["answer"]) for row in rows),
        "further": sum(n_tokens(*(row.get("rationales") or ())) for row in rows),
        "knowledge": sum(n_tokens(*(row.get(key) or "" for key in OPTIONAL)) for row in rows),
    }
    manifest = {"name": path.stem, "sha256": sha256, "teacher_tokens": tokens}
    return _corpus(rows, parts, manifest | _manifest_beside(path, sha256), indices)


def _manifest_beside(path: Path, sha256: str) -> dict[str, Any]:
    """The manifest of an own corpus if it is of these rows: it knows what was written in vain."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        written = json.loads(beside.read_text())
    except json.JSONDecodeError as error:
        raise CorpusError(f"{beside}: not JSON ({error}); delete it or make it anew") from error
    return written if isinstance(written, dict) and written.get("sha256") == sha256 else {}


def check_needs(corpus: Corpus, needs: Needs) -> str | None:
    """Why this corpus cannot serve these needs, and how to get what is missing; or None."""
    if needs.train_knowledge and not all(row.get("summary") for row in corpus.rows):
        return "needs symbolic knowledge on every row, and the corpus has rows without: add summary"
    if needs.test_knowledge != "none" and not any(row.get("summary") for row in corpus.rows):
        return "needs what is known of a question's task, and the corpus says nothing: add summary"
    if needs.test_knowledge == "summary":
        told = {(row["task"], row["summary"]) for row in corpus.rows if row.get("summary")}
        if len(told) > len({task for task, _ in told}):
            return "needs what is known of a whole task, and the corpus says it of single rows"
    if needs.passages and not corpus.passages:
        return "needs passages, and the corpus has none: put NAME.passages.jsonl beside it"
    n = min(bool(row.get("rationale")) + len(row.get("rationales") or ()) for row in corpus.rows)
    if needs.rationales > n:
        return f"needs {needs.rationales} rationales per question, and the corpus has {n}"
    if needs.train_query == "oracle" and not all(row.get("facts") for row in corpus.rows):
        return "needs the facts behind each question, and the corpus has none: add 'facts'"
    if needs.phrase and not all(row.get("phrase") for row in corpus.rows):
        return "needs triples, and the corpus has rows without a phrase"
    if needs.critic != "none":
        judged = {(row["split"], row["label"]) for row in corpus.labels}
        for split in ("train", "dev", "test"):
            if not {(split, 0), (split, 1)} <= judged:
                return (
                    f"needs a critic, and the corpus lacks true and false labels of split {split}"
                )
    if needs.decoy and len({row["task"] for row in corpus.rows}) < 2:
        return "needs knowledge of another task, and the corpus has only one"
    return None
