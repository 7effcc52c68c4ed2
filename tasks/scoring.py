"""Extract an answer from a solution and compare it with the gold one: one definition for all tasks.

Three extractors read the same solution text. `strict` is the headline, `author` is the released
code's rule with its faults kept, `flexible` forgives the form. None = nothing was found.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

from tasks.docs import Item

CONCLUSION = "Therefore, the answer is"

_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)")
_FRACTION = re.compile(r"[+-]?[0-9]{1,9}/0*[1-9][0-9]{0,8}")
_LABELLED = re.compile(r"\(([A-Za-z0-9])\)\s*(.*)", re.DOTALL)
_LETTER = re.compile(r"\(?([a-z0-9])\)?")
_CUE = re.compile(r"\banswer(?:\s+is\b|\s*:)\s*:?", re.IGNORECASE)


class Scores(TypedDict):
    """What one solution scores: 1.0 or 0.0 by each extractor; `failed`: strict found no answer."""

    strict: float
    author: float
    flexible: float
    failed: float


def process_results(doc: Item, results: Sequence[str]) -> Scores:
    """Score the one solution of a question, as lm-eval calls it."""
    (solution,) = results
    gold, options, task = doc["target"], doc["options"], doc["task"]
    found = strict(solution)
    lenient = flexible(solution, options)
    return {
        "strict": float(found is not None and matches(found, gold, options)),
        "author": float(author_matches(author(solution, task), gold, task)),
        "flexible": float(lenient is not None and _tells(lenient, gold, options)),
        "failed": float(found is None),
    }


# ---------------------------------------------------------------- comparison


def matches(answer: str, gold: str, options: Sequence[str] = ()) -> bool:
    """Whether the two mean the same answer.

    Case, blanks, a final full stop, thousands commas, trailing zeros and a dollar sign do not
    count, and fractions count by their value: "1/2" is "0.5". Where options have letters, "(B)",
    "b", "(B) circle" and "circle" are one answer if only one option says so.
    """
    return _canonical(answer, options) == _canonical(gold, options)


def _canonical(answer: str, options: Sequence[str]) -> str:
    form = _normalised(answer)
    letter = _LETTER.fullmatch(form)
    labelled = [(m[1].lower(), m[2]) for option in options if (m := _LABELLED.fullmatch(option))]
    if letter and (letter[1] in dict(labelled) or (not options and letter[1].isalpha())):
        return f"({letter[1]})"
    named = [
        label
        for label, text in labelled
        if form and form in (_normalised(text), _normalised(f"({label}) {text}"))
    ]
    return f"({named[0]})" if len(named) == 1 else form


def _normalised(answer: str) -> str:
    form = " ".join(_trimmed(answer).casefold().split())
    amount = form.removeprefix("$")
    if _FRACTION.fullmatch(amount):
        return _plain_fraction(amount)
    return _plain_number(amount) if _NUMBER.fullmatch(amount) else form


def _plain_fraction(fraction: str) -> str:
    """The decimal number that is exactly this fraction, else the fraction in lowest terms."""
    value = Fraction(fraction)
    decimal = Decimal(value.numerator) / value.denominator
    return _plain_number(f"{decimal:f}") if Fraction(decimal) == value else str(value)


def _plain_number(number: str) -> str:
    """A number without plus sign, thousands commas, and zeros that change nothing."""
    whole, dot, fraction = number.lstrip("+-").replace(",", "").partition(".")
    plain = f"{whole.lstrip('0') or '0'}{dot}{fraction}"
    plain = plain.rstrip("0").rstrip(".") if dot else plain
    return f"-{plain}" if number.startswith("-") and plain != "0" else plain


def _trimmed(text: str) -> str:
    """Without blanks around it and full stops behind; a text of blanks alone costs no more."""
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] == "."):
        end -= 1
    return text[:end].lstrip()


# ---------------------------------------------------------------- strict and flexible


def strict(solution: str) -> str | None:
    """The rest of the line after the last conclusion phrase."""
    _, phrase, rest = solution.rpartition(CONCLUSION)
    return (_trimmed(rest.partition("\n")[0]) or None) if phrase else None


def flexible(solution: str, options: Sequence[str]) -> str | None:
    """The strict answer if any, else what a lenient reader would take for the answer.

    That is: the option named last, after the last "answer is" or "Answer:" or else anywhere; for a
    free answer the line after that cue, else the last number, else the last word.
    """
    if (answer := strict(solution)) is not None:
        return answer if _names_one(answer, options) else _last_label(answer, options) or answer
    after_cue = _CUE.split(solution)[1:]
    stated = _trimmed(after_cue[-1].strip().partition("\n")[0]) if after_cue else ""
    if options:
        return _last_option(stated, options) or _last_option(solution, options)
    if stated:
        return stated
    if numbers := _NUMBER.findall(solution):
        return numbers[-1]
    return _trimmed(solution).rpartition(" ")[2] or None


def _tells(answer: str, gold: str, options: Sequence[str]) -> bool:
    """As `matches`; a free answer may also wrap the one number that it holds: "18 dollars"."""
    numbers = _NUMBER.findall(answer)
    wrapped = not options and len(numbers) == 1 and _NUMBER.fullmatch(gold) is not None
    return matches(answer, gold, options) or (wrapped and matches(numbers[0], gold))


def _names_one(answer: str, options: Sequence[str]) -> bool:
    return any(matches(answer, option, options) for option in options)


def _last_label(text: str, options: Sequence[str]) -> str | None:
    labels = [f"({m[1]})" for option in options if (m := _LABELLED.fullmatch(option))]
    last = max(labels, key=text.rfind, default="")
    return last if last and last in text else None


def _last_option(text: str, options: Sequence[str]) -> str | None:
    """The option whose letter in brackets or whose text stands last, the longest of several."""
    if _names_one(text, options):
        return _trimmed(text)
    ends: list[tuple[int, int, str]] = []
    for option in options:
        labelled = _LABELLED.fullmatch(option)
        mentions = (f"({labelled[1]})", labelled[2]) if labelled else (option,)
        for mention in filter(None, mentions):
            whole = rf"(?<!\w){re.escape(mention)}(?!\w)"
            ends += [(m.end(), len(mention), option) for m in re.finditer(whole, text, re.I)]
    return max(ends)[2] if ends else None


# ---------------------------------------------------------------- the author's rule


_AUTHOR_CUES = {
    CONCLUSION: True,
    "[Answer Prediction]:": False,
    "the correct answer is option": True,
    "the correct answer is": True,
    "The correct answer is": True,
    "The answer is": True,
    "Answer:": True,
    "A:": True,
    "### Response:": False,
    "the answer is": True,
    "answer is": True,
}
"""Cue, and whether a blank line ends the answer; the first cue that is present decides."""


def author(solution: str, task: str) -> str | None:
    """SKIntern's extractor (released eval/metric_utils.py), faults kept for comparison.

    It takes the *first* conclusion and ends it at the first full stop, so that "3.5" becomes "3";
    without any cue it takes the first sentence. For gsm8k: the last number of the whole solution.
    """
    if "gsm8k" in task:
        return _last_number(solution)
    text = solution.partition("Question: ")[0]
    span, at_blank_line = text, False
    for cue, blank_line_ends in _AUTHOR_CUES.items():
        if cue not in text:
            continue
        if cue in ("Answer:", "A:") and "Explanation" in text:
            span = text.partition("Explanation")[0].rpartition(cue)[2]
        else:
            span, at_blank_line = text.split(cue)[1], blank_line_ends
        break
    sentence = span.partition(".")[0]
    return (sentence.partition("\n\n")[0] if at_blank_line else sentence).strip() or None


def author_matches(answer: str | None, gold: str, task: str) -> bool:
    """SKIntern's comparison: by letter if both have one, else exact; in mathematics by last number.

    In formal_fallacies all that does not say "invalid" counts as "valid", even an empty answer.
    """
    answer = answer or ""
    if task == "formal_fallacies":
        return ("invalid" in gold.lower()) == ("invalid" in answer.lower())
    if any(name in task for name in ("gsm8k", "GSM", "MATH")):
        number = _last_number(answer)
        return number is not None and number == _last_number(gold)
    gold_choice, gold_content = _author_parts(gold, guess=False)
    choice, content = _author_parts(answer, guess=True)
    if choice and gold_choice:
        return choice == gold_choice
    return content not in ("", "none") and content == gold_content


def _author_parts(answer: str, *, guess: bool) -> tuple[str, str]:
    """The choice, "" if none, and the content; `guess` takes loose letters of a model's answer.

    "option b" becomes a choice that no gold equals: the released code's fault.
    """
    text = answer.strip().rstrip(".").lower()
    if guess and len(text) == 1:
        return f"({text})", text
    found = re.search(r"\([a-z]\)", text) or re.search(r"\([1-9]\)", text)
    if guess and not found:
        bracket = "(" in text or ")" in text
        found = re.search("[a-z]" if bracket else "option [a-z]", text)
    if not found:
        return "", text.strip(".").strip()
    choice = f"({found[0]})" if len(found[0]) == 1 else found[0]
    return choice, text.partition(")")[2].partition(")")[0].strip(".").strip()


def _last_number(text: str) -> str | None:
    numbers = _NUMBER.findall(text)
    return numbers[-1].replace(",", "").lstrip("+") if numbers else None
