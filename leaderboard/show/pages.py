"""LEADERBOARD.md and its pictures: a section for each track, and those that are of none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.compare.internalization import internalization, probes_legend, probes_table
from leaderboard.compare.power import resolution
from leaderboard.compare.regimes import map_legend, map_table
from leaderboard.compare.study import study_text
from leaderboard.rows.audit import audit, audit_legend, audit_table
from leaderboard.rows.rank import rows
from leaderboard.rows.reruns import reruns_legend, reruns_table
from leaderboard.rows.row import Row
from leaderboard.rows.settings import shown
from leaderboard.rows.texts import with_texts
from leaderboard.rows.triples import facts
from leaderboard.show import costs, papers, triples
from leaderboard.show.render import detail, legend, table
from leaderboard.store.board import beside, load, load_files, suite, suites, tracks
from leaderboard.store.index import all_facts, facts_of, remembered
from leaderboard.store.maps import stored_maps
from leaderboard.store.probes import load_probes
from leaderboard.store.record import Record
from leaderboard.store.reruns import load_reruns
from leaderboard.store.studies import stored_studies

_HEAD = """# Leaderboard

Made by `skbench board render` from the records under `leaderboard/records/`, and the probes, maps,
costs and papers' tables beside them; do not edit.
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A piece of LEADERBOARD.md."""

    text: str
    pictures: dict[str, str]
    """Those that it shows, as SVG, by the names of their files."""


def leaderboard(records: Path) -> dict[Path, str]:
    """LEADERBOARD.md and the pictures that it shows."""
    home = records.parent
    told = [*(of_track(track, records) for track in all_tracks(records)), of_all(records)]
    pictures = {home / "pictures" / name: svg for t in told for name, svg in t.pictures.items()}
    text = "\n".join(each.text for each in told)
    return {home / "LEADERBOARD.md": f"{_HEAD}\n{_contents(text)}\n\n{text}", **pictures}


def _contents(text: str) -> str:
    """A line of links to the sections, by the anchors that GitHub gives them."""
    titles = re.findall("^## (.+)$", text, re.MULTILINE)
    anchors = (re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)
    return " | ".join(f"[{t}](#{a})" for t, a in zip(titles, anchors, strict=True))


def all_tracks(records: Path) -> list[str]:
    """The tracks that have a section: those of records or of probes."""
    return sorted({*tracks(records), *tracks(records.parent / "probes")})


def of_track(track: str, records: Path) -> Told:
    """The section of a track, as it was made last where nothing changed since."""
    files = facts_of(track, records)
    return remembered(Told, f"told {records} {track}", files, lambda: _of_track(track, records))


def of_all(records: Path) -> Told:
    """The sections that follow those of the tracks, as they were made last, too."""
    return remembered(Told, f"rest {records}", all_facts(records), lambda: _of_all(records))


def _of_all(records: Path) -> Told:
    home, pictures = records.parent, dict[str, str]()
    parts = [*_regimes(records, pictures), *_studies(records)]
    parts += costs.section(home / "cost", home / "reported")
    parts += papers.section(home / "reported", records)
    return Told("\n".join(parts), pictures)


def _of_track(track: str, records: Path) -> Told:
    parts, pictures, probes = [f"## {track}\n"], dict[str, str](), records.parent / "probes"
    if track in tracks(records):
        parts += [*_versions(track, records), *_results(track, suite(records, track))]
        parts += _triples(track, suite(records, track), pictures)
        parts += _reruns(track, beside(suite(records, track), "reruns"))
    if track in tracks(probes):
        probed = suite(probes, track)
        parts += _internalization(track, probed, pictures)
        parts += _older(probed.name, suite(records, track).name)
    return Told("\n".join(parts), pictures)


def _versions(track: str, records: Path) -> list[str]:
    *old, newest = suites(records, track)
    shown = ", ".join(f"`skbench board show {track} --suite {name}`" for name in old)
    return [f"Suite {newest}.{f' It supersedes what {shown} shows.' if shown else ''}\n"]


def _older(name: str, newest: str) -> list[str]:
    """What says that facts are of an older suite than the records."""
    return [] if name == newest else [f"These are of suite {name}, which {newest} supersedes.\n"]


def _results(track: str, root: Path) -> list[str]:
    """The tables of a track; where rows were tuned, those at the track's settings after them."""
    files, trials = load_files(track, root), [root.parents[1] / "trials"]
    records = list(files.values())
    parts = _tables(track, shown(records, trials), files)
    if any(record.own for record in records):
        as_track = shown(records, trials, tuned=False)
        title = f"{track} at the track's settings"
        parts += [f"### {title}\n", *_tables(title, as_track, files)]
    return parts


def _tables(title: str, records: Sequence[Record], files: Mapping[Path, Record]) -> list[str]:
    ranked = with_texts(rows(records, list(files.values())), files)
    treatments = audit(records)
    if not ranked:
        return []
    return [
        f"{explained(ranked, records, list(files.values()), detailed=True)}\n",
        f"{detail(ranked, 'markdown')}\n",
        f"### {title}: fair treatment\n",
        f"{audit_table(treatments, 'markdown')}\n",
        f"{audit_legend(treatments, ranked[0].reference)}\n",
    ]


def _triples(track: str, root: Path, pictures: dict[str, str]) -> list[str]:
    """The section of a track of triples, none of another; its picture is added to `pictures`."""
    records = load(track, root)
    found = facts(records)
    if not found:
        return []
    from leaderboard.show.cuts import cuts_svg

    name = f"{track}-cuts.svg"
    pictures[name] = cuts_svg(found, records[0].reference)
    return triples.section(track, found, name)


def _internalization(track: str, root: Path, pictures: dict[str, str]) -> list[str]:
    """The section of a track; its picture is added to `pictures`."""
    from leaderboard.show.pictures import internalization_svg

    found = internalization(load_probes(root, track))
    name = f"{track}-internalization.svg"
    pictures[name] = internalization_svg(found)
    return [
        f"### {track}: internalization\n",
        f"![Accuracy with a share of the knowledge in view, over training](pictures/{name})\n",
        f"{probes_table(found, 'markdown')}\n",
        f"{probes_legend(found)}\n",
    ]


def _reruns(track: str, root: Path) -> list[str]:
    """What came out of the track's records when they were run again; nothing where none was."""
    found = load_reruns(root, track)
    if not found:
        return []
    table = reruns_table(found)
    return [f"### {track}: run again\n", f"{table}\n", f"{reruns_legend()}\n"]


def _regimes(records: Path, pictures: dict[str, str]) -> list[str]:
    """The section of all published maps; their pictures are added to `pictures`."""
    maps = stored_maps(records.parent / "maps")
    if not maps:
        return []
    from leaderboard.show.pictures import map_svg

    parts = ["## Regimes\n"]
    for name, sweep in maps:
        pictures[f"{sweep.sweep}.svg"] = map_svg(sweep)
        parts += [
            f"### {sweep.sweep}\n",
            f"![Treatment minus control, point by point](pictures/{sweep.sweep}.svg)\n",
            f"{map_table(sweep, 'markdown')}\n",
            f"{map_legend(sweep)}\n",
            *_older(name, suite(records, sweep.track).name),
        ]
    return parts


def _studies(records: Path) -> list[str]:
    """The section of all studies that have runs."""
    parts = list[str]()
    for name, question, study in stored_studies(records.parent / "studies"):
        parts += [f"### {study.study}\n", f"{study_text(question, study, 'markdown')}\n"]
        parts += _older(name, suite(records, study.track).name)
    return ["## Studies\n", *parts] if parts else []


def explained(
    chosen: Sequence[Row],
    records: Sequence[Record],
    track: Sequence[Record],
    shown: str = "",
    *,
    detailed: bool,
) -> str:
    """The table of the rows chosen, with what `shown` says of them, what its columns mean, and if
    `detailed` those of its details, and what the `records` beside the whole `track` can resolve."""
    told = resolution(records, [row.method for row in chosen], track)
    note = f"{shown} {legend(chosen, detailed=detailed)} {told}".strip()
    return f"{table(chosen, 'markdown')}\n\n{note}"
