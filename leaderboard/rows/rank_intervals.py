"""Ranks of a table's rows: every pair of them is tested as `board compare` tests it."""

from collections.abc import Sequence

from leaderboard.stats.averages import Seeds, aligned, names_of
from leaderboard.stats.rank_intervals import Rank, rank_intervals
from leaderboard.store.comparable import questions
from leaderboard.store.record import GROUPS, Group, Record


def ranks(rows: Sequence[Sequence[Record]], pool: Seeds) -> dict[Group, dict[str, Rank]]:
    """Label -> rank interval on each group, of the rows that answered the same questions.

    Where a table has several sets of questions, which nothing compares, only the rows of the set
    that most of them answered have a rank.
    """
    same = comparable(rows)
    return {group: _ranks(same, group, pool) for group in GROUPS}


def comparable(rows: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """The rows that answered what most of them did."""
    found: dict[object, list[Sequence[Record]]] = {}
    for records in rows:
        asked = frozenset((name, questions(s)) for name, s in records[0].data_sets.items())
        found.setdefault(asked, []).append(records)
    return max(found.values(), key=len) if found else []


def _ranks(rows: Sequence[Sequence[Record]], group: Group, pool: Seeds) -> dict[str, Rank]:
    names = names_of(rows[0][0], group) if rows else ()
    if not names:
        return {}
    found = rank_intervals(
        [[aligned(rows[0][0], records, name) for name in names] for records in rows],
        [pool.of(records, names) for records in rows],
    )
    return {records[0].label: rank for records, rank in zip(rows, found, strict=True)}
