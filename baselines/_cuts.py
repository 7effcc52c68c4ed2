"""How much a critic lets pass, in the same words for all methods that ask one."""

from typing import Literal

Cut = Literal["none", "low", "medium", "high"]
RECALL: dict[Cut, float] = {"none": 1.0, "low": 0.9, "medium": 0.8, "high": 0.5}
"""Share of what is true that a cut keeps, on labels that the critic was not taught (West et al.
2021)."""
