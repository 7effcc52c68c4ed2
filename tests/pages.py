"""A small board of the user's own, and what is in the page that is made of it."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from leaderboard.store.generations import Generations, place
from tests.leaderboard_records import record, trained

RIGHT = {"std_cot": 24, "kard": 31, "skintern": 12, "zero_shot": 3}
"""Label -> how many of 40 questions of each group its first run answered."""
SCRIPT = "</script><script>window.hit = 1</script>"
HOSTILE = f"odd[kind={'long' * 45}]"
"""The longest label that a record can have, of a record whose other texts are odd as well."""
TOLD = {
    "dirty": False,
    "commit": "javascript:window.hit=1",
    "date": "2026-11-29",
    "command": f"\"'><img src=x onerror='hit()'> {SCRIPT} \u202e \u2028 `x` [a](javascript:x) <b>",
    "device": "CPU",
    "versions": {"torch": "<svg onload='window.hit=1'>", "<b>": "1"},
}


def made(label, seed=0, *, version=2, cost=1, **changes):
    """A run with outcomes of its own; `cost` multiplies its FLOPs, those of training too."""
    right = RIGHT.get(label, 20) - seed
    bits = [1] * right + [0] * (40 - right)
    ood = bits[5:] + bits[:5]
    found = record(
        label,
        seed,
        outcomes={"id_a": bits, "ood_a": ood},
        snapshot={"track": {"version": version, "about": "A toy <track>."}, "method": {"steps": 4}},
        provenance=TOLD,
        **changes,
    )
    sets = {
        name: replace(each, prefill_flops=[1000 * cost] * 40)
        for name, each in found.data_sets.items()
    }
    is_trained = label != "zero_shot"
    found = trained(found, flops=cost * 10**12 if is_trained else 0)
    if not is_trained:
        found = trained(found, n_steps=0, tokens=0, loss_curve=[])
    return replace(
        trained(found, loss_curve=[2.0, 1.0 + seed, 0.5]) if found.training.n_steps else found,
        data_sets=sets,
    )


def save_board(root: Path) -> None:
    """Suites v1 and v2 of the track `toy`: three trained rows, one that is not, a hostile one, of
    which alone no texts are kept."""
    runs = [made(label, seed, cost=c) for c, label in enumerate(RIGHT, 1) for seed in (0, 1)]
    for run in [*runs, made("std_cot", version=1), made("old", version=1)]:
        path = root / f"v{run.version}" / "toy" / run.label / f"seed{run.seed}.json"
        run.save(path)
        answers = [(name, item) for name, each in run.data_sets.items() for item in each.items]
        Generations.of(run, answers).save(place(path))
    made(HOSTILE, skewed=True).save(root / "v2" / "toy" / "hostile" / "seed0.json")


class Elements(HTMLParser):
    """All elements of a page with their attributes, and the texts of its scripts and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        kind = dict(attrs).get("type") or tag
        self._inside = kind if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self._inside = "" if tag in ("script", "style") else self._inside

    def handle_data(self, data):
        if self._inside:
            self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def data(self):
        return json.loads(self.texts["application/json"])
