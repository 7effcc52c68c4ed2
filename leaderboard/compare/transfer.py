"""Which gains in domain are gains out of domain: each row beside the reference on both.

With G the gain of a row over the reference, in points of accuracy,

    transfer = G(OOD) - G(ID) = (OOD - ID of the row) - (OOD - ID of the reference)

so it is the difference of two rows in one number of each run, OOD - ID. Its variance has the
sources of every difference here. Items: those of other data sets are other items and independent,
as in every headline, so the variances of the two groups add up. Seeds: a seed that is lucky in
domain may be lucky out of it, so the two gains are not independent. Nothing is assumed of how far:
the variance between seeds is that of OOD - ID itself, run by run, which holds their covariance, and
it is pooled over the track's trained rows of a kind. Seeds of two rows are independent, as in
`compare`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.compare.pair import group_difference, paired
from leaderboard.stats.averages import Seeds, is_tuned, matrices, names_of, seeds
from leaderboard.stats.formats import gap, p_value, tabulated
from leaderboard.stats.holm import family
from leaderboard.stats.intervals import Difference, Matrix, difference, seed_variance
from leaderboard.store.board import by_label
from leaderboard.store.comparable import distinct
from leaderboard.store.record import GROUPS, Record


@dataclass(frozen=True, slots=True)
class Transfer:
    """A row - the reference, as fractions; p values after Holm over all rows, a family for each of
    the three."""

    label: str
    id: Difference
    ood: Difference
    transfer: Difference
    """OOD - ID: below zero, a part of the gain is lost out of domain. From -2 to 2."""


GAPS = ("id", "ood", "transfer")
CONTRAST = ("OOD - ID",)
"""What the spread of that number between seeds is called among those of data sets."""


def transfers(table: Sequence[Record], track: Sequence[Record]) -> list[Transfer]:
    """All rows of a table beside its reference, the largest gain in domain first; [] where the
    reference, all others or one of the groups is not there.

    How far seeds differ is told by all records of the `track`. RecordError where a row answered
    other items than the reference.
    """
    labelled = by_label(table)
    reference = labelled.get(table[0].reference) if table else None
    if reference is None or not all(names_of(reference[0], group) for group in GROUPS):
        return []
    pool, spread = seeds(track), _spread(by_label(distinct(track)[0]), reference)
    others = [records for records in labelled.values() if records is not reference]
    found = [_transfer(records, reference, pool, spread) for records in others]
    columns = [family([getattr(each, name) for each in found]) for name in GAPS]
    adjusted = [
        replace(each, **dict(zip(GAPS, gaps, strict=True)))
        for each, *gaps in zip(found, *columns, strict=True)
    ]
    return sorted(adjusted, key=lambda each: (-each.id.value, each.label))


def transfers_table(reference: str, found: Sequence[Transfer]) -> str:
    """A line for each row, in points."""
    headers = [f"- {reference}", "ID", "OOD", "OOD - ID", "p (Holm)"]
    body = [
        [each.label, gap(each.id), gap(each.ood), gap(each.transfer), p_value(each.transfer.p)]
        for each in found
    ]
    return tabulated(headers, body, "text")


def transfers_legend(reference: str) -> str:
    """What the columns are, and what their intervals assume."""
    return (
        f"ID, OOD: a row's accuracy - that of {reference}, in points, [95 % interval]. OOD - ID:"
        " what of the gain is more out of domain than in it; at zero all of it transfers, below"
        " zero a part is lost. Points are compared as they are: where a row or the reference is"
        " near 0 or 100 %, there is less to lose or to gain. Items of the two groups are"
        " independent; seeds vary as OOD - ID of a run does, pooled over the track's trained rows."
        " p after Holm over all rows."
    )


def contrast(in_domain: Sequence[Matrix], out: Sequence[Matrix]) -> list[Matrix]:
    """Data sets of ID and OOD -> such whose headline, their unweighted mean, is (OOD - ID) / 2.

    A half, so that it lies between -1 and 1 as other differences do.
    """
    sets = [*in_domain, *out]
    return [scale * each for scale, each in zip(_scales(in_domain, out), sets, strict=True)]


def _scales(in_domain: Sequence[Matrix], out: Sequence[Matrix]) -> list[float]:
    """By what each data set is multiplied."""
    n = len(in_domain) + len(out)
    return [-n / (2 * len(in_domain))] * len(in_domain) + [n / (2 * len(out))] * len(out)


def _transfer(
    records: Sequence[Record],
    reference: Sequence[Record],
    pool: Seeds,
    spread: Seeds,
) -> Transfer:
    in_domain = group_difference(records, reference, "id", pool)
    out = group_difference(records, reference, "ood", pool)
    assert in_domain is not None and out is not None  # the reference has both, and they are paired
    (id_a, id_b), (ood_a, ood_b) = (paired(records, reference, g) for g in ("id", "ood"))
    pools = spread.of(records, CONTRAST), spread.of(reference, CONTRAST)
    sides = contrast(id_a, ood_a), contrast(id_b, ood_b)
    half = difference(*sides, pools, _scales(id_a, ood_a))
    return Transfer(records[0].label, in_domain, out, _doubled(half))


def _doubled(half: Difference) -> Difference:
    return replace(
        half,
        value=2 * half.value,
        low=2 * half.low,
        high=2 * half.high,
        stderr=2 * half.stderr,
    )


def _spread(rows: Mapping[str, Sequence[Record]], reference: Sequence[Record]) -> Seeds:
    """Variance of the contrast between seeds, pooled over the trained rows that have the data sets
    of the reference and a right answer."""
    found: dict[bool, list[list[Matrix]]] = {}
    for records in rows.values():
        same = all(names_of(records[0], g) == names_of(reference[0], g) for g in GROUPS)
        if records[0].training.n_steps and same:
            both = contrast(matrices(records, "id"), matrices(records, "ood"))
            if any(matrix.any() for matrix in both):
                found.setdefault(is_tuned(records), []).append(both)
    return Seeds({(kind, CONTRAST): seed_variance(each) for kind, each in found.items()})
