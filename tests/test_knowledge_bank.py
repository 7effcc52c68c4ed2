"""The knowledge bank: its form, that it is general, and that the rules it states are right.

Each program below follows the rules of one entry to the letter; the train questions say whether
the rules hold.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tasks
from tasks.docs import Item
from tasks.in_domain.bbh import Split, bbh
from tasks.in_domain.gsm8k import gsm8k

BANK: dict[str, dict[str, str]] = json.loads(
    (Path(tasks.__file__).parent / "in_domain" / "knowledge.json").read_text()
)
FAMILIES = re.compile(r"^(logical_deduction|tracking_shuffled_objects)_.*")


@pytest.fixture(scope="module")
def split(data: Path) -> Split:
    return bbh(data)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def grams(text: str, n: int = 13) -> set[tuple[str, ...]]:
    tokens = words(text)
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def points(entry: dict[str, str]) -> Iterator[str]:
    """The numbered points of both parts, without their numbers."""
    for part in entry.values():
        yield from (point.strip() for point in re.split(r"(?:^| )[1-9]\. ", part)[1:])


# ---------------------------------------------------------------- form


@pytest.mark.parametrize("task", sorted(BANK))
def test_an_entry_has_two_parts_of_fitting_length_in_plain_ascii(task: str) -> None:
    entry = BANK[task]
    assert list(entry) == ["summary", "supplementary"]
    assert 120 <= len(" ".join(entry.values()).split()) <= 220
    assert all(part.isascii() and "\n" not in part for part in entry.values())
    assert all(part.startswith("1. ") for part in entry.values())


@pytest.mark.parametrize("task", sorted(BANK))
def test_an_entry_is_general_and_holds_no_number_but_those_of_its_points(task: str) -> None:
    for part in BANK[task].values():
        numbers = re.findall(r"\d+", part)
        assert numbers == [str(i) for i in range(1, len(numbers) + 1)]
        assert len(numbers) == len(re.findall(r"(?:^| )[1-9]\. ", part))
        assert not re.search(r"\([A-Z]\)", part), "names the letter of an option"


def test_no_point_stands_under_two_tasks_but_in_families_that_share_their_rules() -> None:
    homes: dict[str, set[str]] = {}
    for task, entry in BANK.items():
        for point in points(entry):
            for sentence in re.split(r"(?<=[.?!;]) ", point):
                homes.setdefault(sentence, set()).add(FAMILIES.sub(r"\1", task))
    assert len(homes) > 250
    assert {sentence: names for sentence, names in homes.items() if len(names) > 1} == {}


def test_every_bbh_task_and_the_two_other_train_sets_have_an_entry(split: Split) -> None:
    named = {row["task"] for row in split.train}
    assert len(named) == 27
    assert set(BANK) == named | {"gsm8k", "csqa"}


def test_no_test_question_shares_thirteen_words_in_a_row_with_the_bank(
    data: Path, split: Split
) -> None:
    parts = [part for entry in BANK.values() for part in entry.values()]
    bank = {gram for part in parts for gram in grams(part)}
    asked = [row["question"] for row in (*split.test, *gsm8k(data))]
    assert len(asked) == 1304 + 1319
    assert not [question for question in asked if grams(question) & bank]


# ---------------------------------------------------------------- rules, as programs


def boolean_expressions(row: Item) -> str:
    """Innermost brackets first, then not, then and, then or."""
    text = row["question"].removesuffix(" is")
    while found := re.search(r"\( ([^()]*) \)", text):
        text = text[: found.start()] + _flat(found[1]) + text[found.end() :]
    return _flat(text)


def _flat(text: str) -> str:
    def value(factor: str) -> bool:
        return (factor.split()[-1] == "True") ^ (factor.split().count("not") % 2 == 1)

    return str(any(all(map(value, part.split(" and "))) for part in text.split(" or ")))


def dyck_languages(row: Item) -> str:
    """Close what is still open, the last one first."""
    pairs, stack = dict(zip("([{<", ")]}>", strict=True)), list[str]()
    for sign in row["question"].split("Input: ")[1].split():
        if sign in pairs:
            stack.append(pairs[sign])
        else:
            assert stack.pop() == sign
    return " ".join(reversed(stack))


def geometric_shapes(row: Item) -> str:
    """Arcs decide; else the number of different corners, the broader name where it is offered."""
    path = row["question"].split('d="')[1].split('"')[0]
    labels = {option[4:]: option[:3] for option in row["options"]}
    if "A" in path:
        return labels["sector"] if "L" in path else labels.get("ellipse", labels["circle"])
    n_corners = len(set(re.findall(r"[\d.]+,[\d.]+", path)))
    names = {2: "line", 3: "triangle", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}
    four = "trapezoid" if "trapezoid" in labels else "kite"
    return labels[names.get(n_corners, four)]


CLASSES = (
    "awful good lovely mysterious nice obnoxious repulsive ridiculous silly terrible wonderful",
    "big enormous huge large little massive medium-size midsize normal-size small tiny",
    "ancient archaic brand-new new old old-fashioned",
    "circular prismlike pyramidal rectangular spherical square triangular",
    "black blue brown gold gray green grey orange pink purple red silver tan white yellow",
    "American Bangladeshi Brazilian Chinese Congolese Egyptian Ethiopian Filipino German Indian"
    " Indonesian Iranian Japanese Mexican Nigerian Pakistani Russian Thai Turkish Vietnamese",
    "cardboard cloth fiberglass glass gold iron lead leather paper plastic rubber silver steel"
    " wood wool",
    "drinking driving eating exercise hiking smoking snorkeling typing walking whittling",
)


def hyperbaton(row: Item) -> str:
    """Opinion, size, age, shape, color, origin, material, purpose: the ranks never fall."""
    rising: list[str] = []
    for option in row["options"]:
        rank = 0
        for word in option[4:].split()[:-1]:
            ranks = [i for i, names in enumerate(CLASSES) if word in names.split()]
            assert ranks, word
            rank = min((r for r in ranks if r >= rank), default=len(CLASSES))
        rising += [option[:3]] if rank < len(CLASSES) else []
    (right,) = rising
    return right


def multistep_arithmetic_two(row: Item) -> str:
    """Each bracket: products from left to right, then sums; then the sign between the two."""
    text = row["question"].removesuffix(" =")
    found = re.fullmatch(r"\(\((.*)\) ([*+-]) \((.*)\)\)", text)
    assert found
    return str(_apply(_linear(found[1].split()), found[2], _linear(found[3].split())))


def _linear(tokens: list[str]) -> int:
    terms, signs = [int(tokens[0])], list[str]()
    for sign, number in zip(tokens[1::2], tokens[2::2], strict=True):
        if sign == "*":
            terms[-1] *= int(number)
        else:
            signs.append(sign)
            terms.append(int(number))
    total = terms[0]
    for sign, term in zip(signs, terms[1:], strict=True):
        total = _apply(total, sign, term)
    return total


def _apply(a: int, sign: str, b: int) -> int:
    return {"*": a * b, "+": a + b, "-": a - b}[sign]


def navigate(row: Item) -> str:
    """North at first; turns change the direction only, always facing forward means no turns."""
    place, ahead = 0j, 1j
    text = row["question"].split("?", 1)[1].split("\nOptions")[0]
    for turn, n, side in re.findall(r"Turn (\w+)|Take (\d+) steps?(?: (\w+))?", text):
        ahead *= {"left": 1j, "right": -1j, "around": -1, "": 1}[turn]
        place += int(n or 0) * ahead * {"backward": -1, "left": 1j, "right": -1j}.get(side, 1)
    return "No" if place else "Yes"


COUNTS = ["zero", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
KINDS = {
    "fruits": "apple banana berr grape nectarine orange peach plum",
    "vegetables": "broccoli cabbage carrot cauliflower celery garlic lettuce onion potato yam",
    "animals": "bear cat chicken cow dog donkey duck fish frog goat mice mouse pig rabbit snail"
    " snake",
    "musical instruments": "accordion clarinet drum flute piano trombone trumpet violin",
    "objects": "",
}


def object_counting(row: Item) -> str:
    """Add the numbers of those items that are of the kind."""
    kind = row["question"].split("How many ")[1].split(" do I")[0]
    stems = KINDS[kind].split() or [""]
    total = 0
    for item in re.split(r",? and |, ", row["question"].split(".")[0].removeprefix("I have ")):
        number, _, name = item.partition(" ")
        if any(stem in name or stem in name.replace("ies", "y") for stem in stems):
            total += COUNTS.index("a" if number in ("an", "one") else number)
    return str(total)


def temporal_sequences(row: Item) -> str:
    """The gap between waking, the sightings in order of the clock, and closing."""

    def hour(text: str) -> int:
        return int(text[:-2]) % 12 + 12 * text.endswith("pm")

    text = row["question"]
    begin, end = re.search(r"woke up at (\w+)", text), re.search(r"closed after (\w+)", text)
    assert begin and end
    seen = sorted((hour(a), hour(b)) for a, b in re.findall(r"from (\w+) to (\w+)\.", text))
    times = [hour(begin[1]), *(time for pair in seen for time in pair), hour(end[1])]
    gaps = {gap for gap in zip(times[::2], times[1::2], strict=True) if gap[0] < gap[1]}
    (right,) = (o[:3] for o in row["options"] if tuple(map(hour, o[4:].split(" to "))) in gaps)
    return right


def tracking_shuffled_objects(row: Item) -> str:
    """Swap what the two have at that moment."""
    start, story = row["question"].split("\nOptions")[0].split("\n", 1)
    has = r"(\w+) (?:gets|is dancing with|has an?|is playing) (.+?)"
    has += r"(?=, and \w|, \w+ (?:gets|is|has)|\.$)"
    owned = dict(re.findall(has, start.split(": ", 1)[1]))
    for a, b in re.findall(r"(\w+) and (\w+) (?:swap|switch|trade)", story):
        owned[a], owned[b] = owned[b], owned[a]
    wanted = owned[story.split("At the end of the ")[1].split(", ")[1].split()[0]]
    (right,) = (option[:3] for option in row["options"] if option[4:] == wanted)
    return right


def web_of_lies(row: Item) -> str:
    """Each statement that the other lies flips the state of the first person."""
    first, *chain = row["question"].split(". ")
    honest = first.endswith("truth") ^ (sum(x.endswith(" lies") for x in chain) % 2 == 1)
    return "Yes" if honest else "No"


def word_sorting(row: Item) -> str:
    """Letter by letter; signs come before letters, a beginning before the longer word."""
    return " ".join(sorted(row["question"].split("List: ")[1].split()))


PROGRAMS: list[Callable[[Item], str]] = [
    boolean_expressions,
    dyck_languages,
    geometric_shapes,
    hyperbaton,
    multistep_arithmetic_two,
    navigate,
    object_counting,
    temporal_sequences,
    tracking_shuffled_objects,
    web_of_lies,
    word_sorting,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_stated_rules_answer_the_train_questions(
    program: Callable[[Item], str], split: Split
) -> None:
    rows = [row for row in split.train if row["task"].startswith(program.__name__)]
    right = Counter(program(row) == row["target"] for row in rows)
    assert len(rows) >= 200
    assert right[True] == len(rows)
