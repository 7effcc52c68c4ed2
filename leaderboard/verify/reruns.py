"""Whether each rerun repeats the record that is filed."""

from collections.abc import Iterator

from leaderboard.store.files import file_sha256
from leaderboard.store.reading import RecordError, stored
from leaderboard.store.reruns import Rerun
from leaderboard.verify.tree import Fault, Tree


def check_reruns(tree: Tree) -> Iterator[Fault]:
    """Reruns that cannot be read, or of a record that is not there, or no longer the same."""
    folder = tree.root.parent / "reruns"
    for path in sorted(folder.glob("v*/*/*/*.json")):
        suite, track, label, _ = path.relative_to(folder).parts
        file = path.relative_to(folder.parent).as_posix()
        if not tree.is_of_track(f"{suite}/{track}"):
            continue
        try:
            found = stored(Rerun, path)
        except RecordError as error:
            yield Fault(file, str(error), "what `reproduce --publish` writes")
            continue
        place = f"{suite}/{track}/{label}/seed{found.seed}.json"
        if place not in tree.files or file_sha256(tree.root / place) != found.record_sha256:
            yield Fault(file, f"repeats another record than {place}", "a rerun of that, or away")
