"""What `board export` and `board figures` do: a track's table and its pictures, to publish."""

import sys
from argparse import Namespace
from pathlib import Path

from leaderboard.cli import source
from leaderboard.cli.printing import FINE, USAGE, no_cost, nothing, print_paths


def export(args: Namespace) -> int:
    """Write the rows of a track in a format to publish; 2 where the format needs an option."""
    from leaderboard.show.exporting import ExportError, Shown, export
    from leaderboard.stats.averages import seeds
    from leaderboard.store.files import replace_text

    files = source.files_asked(args)
    ranked, records = source.rows_of(args, files, sign=True), list(files.values())
    if not ranked:
        return nothing(args)
    shown = Shown(
        rows=ranked,
        records=source.shown(records, args),
        seeds=seeds(records),
        resolution=source.resolution_of(args, ranked, records),
        hub_dataset=args.hub_dataset,
        files=files,
    )
    output: Path | None = args.output
    try:
        found = export(shown, args.format)
    except ExportError as error:
        return _refused(str(error))
    if output is None:
        if not isinstance(found, str):
            return _refused(f"{args.format} is no text: pass --output, a file or a folder")
        sys.stdout.write(found)
    elif isinstance(found, str):
        output.write_text(found, encoding="utf-8")
    elif isinstance(found, bytes):
        output.write_bytes(found)
    else:
        for path, text in found:
            replace_text(output / path, text)
            print(output / path)
    return FINE


def figures(args: Namespace) -> int:
    """Draw accuracy against cost, and print where the pictures lie."""
    from leaderboard.show.figures import figures
    from leaderboard.store.files import replace_text
    from leaderboard.store.ranges import labels_in

    files = source.files_asked(args)
    ranked, records = source.rows_of(args, files), list(files.values())
    if not ranked:
        return nothing(args)
    found = figures(ranked, source.shown(records, args), records, labels_in(args.methods))
    if not found:
        return no_cost(args)
    written = list[Path]()
    for name, picture in found.items():
        path = args.out / name
        if isinstance(picture, str):
            replace_text(path, picture)
        else:
            path.write_bytes(picture)
        written.append(path)
    print_paths(written)
    return FINE


def _refused(why: str) -> int:
    print(f"skbench: {why}", file=sys.stderr)
    return USAGE
