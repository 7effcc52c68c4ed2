"""The generated pages and pictures, and whether they are what the records say."""

import re
from collections.abc import Sequence
from pathlib import Path

from leaderboard.compare.internalization import internalization, probes_legend, probes_table
from leaderboard.compare.power import resolution
from leaderboard.compare.regimes import map_legend, map_table
from leaderboard.compare.study import study_text
from leaderboard.rows.audit import audit, audit_legend, audit_table
from leaderboard.rows.rank import Row, rows
from leaderboard.rows.reruns import reruns_legend, reruns_table
from leaderboard.rows.settings import shown
from leaderboard.rows.triples import facts
from leaderboard.show import costs, papers, triples
from leaderboard.show.render import detail, legend, table
from leaderboard.store.board import beside, labels_in, load, suite, suites, tracks
from leaderboard.store.files import replace_text
from leaderboard.store.maps import stored_maps
from leaderboard.store.probes import load_probes
from leaderboard.store.reading import RecordError
from leaderboard.store.record import Record
from leaderboard.store.reruns import load_reruns
from leaderboard.store.studies import stored_studies

_REGION = re.compile(
    r"(?P<open><!-- board:(?P<track>[^\s]+)(?: methods=(?P<methods>[^\s]+))? -->\n)"
    r".*?(?P<close><!-- /board -->)",
    re.DOTALL,
)
_HEAD = """# Leaderboard

Made by `skbench board render` from the records under `leaderboard/records/`, and the probes, maps,
costs and papers' tables beside them; do not edit.
"""


def render_all(records: Path) -> list[Path]:
    """Bring the pages of a board up to date; returns the changed files.

    LEADERBOARD.md and pictures lie beside its `records`; README.md, if there is one, in the folder
    above.
    """
    pages = _pages(records)
    stale = [path for path, text in pages.items() if _is_stale(path, text)]
    for path in stale:
        replace_text(path, pages[path])
    return stale


def check(records: Path) -> list[Path]:
    """The generated files that are not what the records say."""
    return [path for path, text in _pages(records).items() if _is_stale(path, text)]


def _is_stale(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


def _pages(records: Path) -> dict[Path, str]:
    """What each generated file should hold."""
    pages = leaderboard(records)
    readme = records.parents[1] / "README.md"
    if readme.exists():
        pages[readme] = _filled(readme, records)
    return pages


def leaderboard(records: Path) -> dict[Path, str]:
    """LEADERBOARD.md and the pictures that it shows."""
    home, probes = records.parent, records.parent / "probes"
    parts, pictures = [_HEAD], dict[Path, str]()
    for track in sorted({*tracks(records), *tracks(probes)}):
        parts.append(f"## {track}\n")
        if track in tracks(records):
            parts += [*_versions(track, records), *_results(track, suite(records, track))]
            parts += _triples(track, suite(records, track), home / "pictures", pictures)
            parts += _reruns(track, beside(suite(records, track), "reruns"))
        if track in tracks(probes):
            probed = suite(probes, track)
            parts += _internalization(track, probed, home / "pictures", pictures)
            parts += _older(probed.name, suite(records, track).name)
    parts += _regimes(records, pictures)
    parts += _studies(records)
    parts += costs.section(home / "cost", home / "reported")
    parts += papers.section(home / "reported", records)
    return {home / "LEADERBOARD.md": "\n".join(parts), **pictures}


def _versions(track: str, records: Path) -> list[str]:
    *old, newest = suites(records, track)
    shown = ", ".join(f"`skbench board show {track} --suite {name}`" for name in old)
    return [f"Suite {newest}.{f' It supersedes what {shown} shows.' if shown else ''}\n"]


def _older(name: str, newest: str) -> list[str]:
    """What says that facts are of an older suite than the records."""
    return [] if name == newest else [f"These are of suite {name}, which {newest} supersedes.\n"]


def _results(track: str, root: Path) -> list[str]:
    """The tables of a track; where rows were tuned, those at the track's settings after them."""
    records, trials = load(track, root), [root.parents[1] / "trials"]
    parts = _tables(track, shown(records, trials), records)
    if any(record.own for record in records):
        as_track = shown(records, trials, tuned=False)
        title = f"{track} at the track's settings"
        parts += [f"### {title}\n", *_tables(title, as_track, records)]
    return parts


def _tables(title: str, records: Sequence[Record], track: Sequence[Record]) -> list[str]:
    ranked, treatments = rows(records, track), audit(records)
    if not ranked:
        return []
    return [
        f"{_explained(ranked, records, '')}\n",
        f"{detail(ranked, 'markdown')}\n",
        f"### {title}: fair treatment\n",
        f"{audit_table(treatments, 'markdown')}\n",
        f"{audit_legend(treatments, ranked[0].reference)}\n",
    ]


def _triples(track: str, root: Path, folder: Path, pictures: dict[Path, str]) -> list[str]:
    """The section of a track of triples, none of another; its picture is added to `pictures`."""
    records = load(track, root)
    found = facts(records)
    if not found:
        return []
    from leaderboard.show.cuts import cuts_svg

    path = folder / f"{track}-cuts.svg"
    pictures[path] = cuts_svg(found, records[0].reference)
    return triples.section(track, found, path.name)


def _internalization(track: str, root: Path, folder: Path, pictures: dict[Path, str]) -> list[str]:
    """The section of a track; its picture is added to `pictures`."""
    from leaderboard.show.pictures import internalization_svg

    found = internalization(load_probes(root, track))
    path = folder / f"{track}-internalization.svg"
    pictures[path] = internalization_svg(found)
    return [
        f"### {track}: internalization\n",
        f"![Accuracy with a share of the knowledge in view, over training](pictures/{path.name})\n",
        f"{probes_table(found, 'markdown')}\n",
        f"{probes_legend(found)}\n",
    ]


def _reruns(track: str, root: Path) -> list[str]:
    """What came out of the track's records when they were run again; nothing where none was."""
    found = load_reruns(root, track)
    if not found:
        return []
    table = reruns_table(found, "markdown")
    return [f"### {track}: run again\n", f"{table}\n", f"{reruns_legend()}\n"]


def _regimes(records: Path, pictures: dict[Path, str]) -> list[str]:
    """The section of all published maps; their pictures are added to `pictures`."""
    maps = stored_maps(records.parent / "maps")
    if not maps:
        return []
    from leaderboard.show.pictures import map_svg

    parts = ["## Regimes\n"]
    for name, sweep in maps:
        path = records.parent / "pictures" / f"{sweep.sweep}.svg"
        pictures[path] = map_svg(sweep)
        parts += [
            f"### {sweep.sweep}\n",
            f"![Treatment minus control, point by point](pictures/{path.name})\n",
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


def _filled(readme: Path, root: Path) -> str:
    """The README with each region between board markers replaced."""
    text = readme.read_text(encoding="utf-8")
    opened, closed = text.count("<!-- board:"), text.count("<!-- /board -->")
    if not opened == closed == len(_REGION.findall(text)):
        raise RecordError(
            f"{readme}: {opened} board markers opened, {closed} closed; write"
            " <!-- board:TRACK --> or <!-- board:TRACK methods=A,B -->, a line break,"
            " <!-- /board -->"
        )

    def region(match: re.Match[str]) -> str:
        track = match["track"]
        found = load(track, suite(root, track)) if track in tracks(root) else []
        records = shown(found, [root.parent / "trials"])
        body = _selected(records, found, match["methods"], readme) if records else "No records yet."
        return f"{match['open']}{body}\n{match['close']}"

    return _REGION.sub(region, text)


def _selected(
    records: Sequence[Record], track: Sequence[Record], methods: str | None, readme: Path
) -> str:
    """The table of the labels named, in the board's order, or of all."""
    ranked = rows(records, track)
    if methods is None:
        return _explained(ranked, records, "")
    # A comma inside brackets parts the fields of one label, not two labels.
    wanted = labels_in(methods)
    for label in wanted:
        if label not in {row.method for row in ranked}:
            names = ", ".join(sorted(row.method for row in ranked))
            raise RecordError(
                f"{readme}: the board region names {label!r}, which has no row; there are: {names}"
            )
    chosen = [row for row in ranked if row.method in wanted]
    shown = f"{len(chosen)} of {len(ranked)} rows." if len(chosen) < len(ranked) else ""
    return _explained(chosen, records, shown)


def _explained(chosen: Sequence[Row], records: Sequence[Record], shown: str) -> str:
    told = resolution(records, [row.method for row in chosen])
    return f"{table(chosen, 'markdown')}\n\n{f'{shown} {legend(chosen)} {told}'.strip()}"
