"""The kinds of stored files as JSON Schema, for readers in any language."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from leaderboard.store.costs import CostRecord
from leaderboard.store.generations import Generations
from leaderboard.store.ledger import Event
from leaderboard.store.maps import Sweep
from leaderboard.store.papers import Paper
from leaderboard.store.probes import ProbeRecord
from leaderboard.store.record import Record
from leaderboard.store.reruns import Rerun
from leaderboard.store.studies import Study
from leaderboard.store.trials import Trials

_KINDS: Mapping[str, type] = {
    "record": Record,
    "generations": Generations,
    "ledger": Event,
    "trials": Trials,
    "rerun": Rerun,
    "probes": ProbeRecord,
    "map": Sweep,
    "study": Study,
    "cost": CostRecord,
    "paper": Paper,
}
KINDS = tuple(_KINDS)


def json_schema(kind: str) -> dict[str, Any]:
    """The schema (draft 2020-12) of a stored file of one of KINDS; of the ledger, of a line."""
    schema = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": schema, **TypeAdapter(_KINDS[kind]).json_schema()}
