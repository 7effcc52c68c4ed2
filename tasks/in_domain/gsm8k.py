"""GSM8K: grade-school word problems with a number for an answer.

One real question: "Janet's ducks lay 16 eggs per day. She eats three for breakfast every morning ..
How much in dollars does she make every day at the farmers' market?" -> "18"
"""

from pathlib import Path

from tasks.docs import Item
from tasks.raw import item, json_lines

GSM8K_SOURCE = "openai/grade-school-math@3101c7d5072418e28b9008a6636bde82a006892c"


def gsm8k(folder: Path) -> list[Item]:
    """The test split; the target is what stands after "####", without thousands commas."""
    return [
        item(f"gsm8k/{i}", "gsm8k", row["question"], _target(row["answer"]))
        for i, row in enumerate(json_lines(folder, "gsm8k/test.jsonl", GSM8K_SOURCE))
    ]


def _target(answer: str) -> str:
    return answer.rpartition("####")[2].strip().replace(",", "")
