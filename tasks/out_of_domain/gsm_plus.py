"""GSM-Plus: questions of GSM8K, each varied in eight ways (the small test set, `testmini`).

One real question, of numerical substitution: "Four of the women at the cocktail party are wearing 5
inch heels and two are wearing 3 inch heels. What is the average height of heels at this party?"
-> "4.33". The eighth way, critical thinking, leaves out what is needed: the answer is "None".
"""

from pathlib import Path

from tasks.docs import Item
from tasks.raw import item, json_lines

GSM_PLUS_SOURCE = "qtli/GSM-Plus@3474129ec12fcd3e8ac08cb037aca1928efca98c"


def gsm_plus(folder: Path) -> list[Item]:
    """The seven variations that have an answer: a number, or on seven items a fraction, "1/2"."""
    return [row for row in _testmini(folder) if row["target"] != "None"]


def gsm_plus_none(folder: Path) -> list[Item]:
    """The variation without an answer."""
    return [row for row in _testmini(folder) if row["target"] == "None"]


def _testmini(folder: Path) -> list[Item]:
    """All items; the variations of one GSM8K question are one cluster.

    "GSM" is in the name of the sub-task because the author's rule goes by it.
    """
    rows = json_lines(folder, "gsm_plus/gsmplus_testmini.jsonl", GSM_PLUS_SOURCE)
    seeds = {seed: n for n, seed in enumerate(dict.fromkeys(row["seed_question"] for row in rows))}
    made: list[Item] = []
    for i, row in enumerate(rows):
        task = f"GSM-Plus {row['perturbation_type']}"
        asked = item(f"gsm_plus/{i}", task, row["question"], row["answer"])
        made.append({**asked, "cluster": f"gsm_plus/seed/{seeds[row['seed_question']]}"})
    return made
