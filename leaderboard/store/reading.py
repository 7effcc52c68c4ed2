"""What others wrote, as our dataclasses: types, ranges and unknown keys by their annotations."""

import difflib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

T = TypeVar("T")
First = Annotated[int, Field(ge=1, le=1)]
"""The number of a schema that has had no second version yet."""
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
"""As `__pydantic_config__` of a dataclass that is read; what it holds is read as strictly. What
stands below a field describes it in the JSON Schema."""


MOST_DIGITS = 31
"""Of a whole number: more than any field holds, and less than overflows a float."""
_SLIPS = ("unexpected_keyword_argument", "extra_forbidden")
"""What pydantic calls an unknown key, of a dataclass and of a model."""


class MisreadError(ValueError):
    """A text that does not stand for the dataclass; the message names the field."""


class RecordError(ValueError):
    """A stored file that does not follow its schema; the message names file and field."""


def stored(cls: type[T], path: Path) -> T:
    """Read a stored file of JSON; RecordError names the file and the first field that is wrong."""
    try:
        return parsed(cls, path.read_bytes())
    except MisreadError as error:
        raise RecordError(f"{path}: {error}") from error


def parsed(cls: type[T], text: str | bytes) -> T:
    """The dataclass that a JSON text stands for; MisreadError names the first wrong field."""
    return _read(cls, lambda reader: reader.validate_json(text))


def check_told_once(text: str | bytes) -> None:
    """Raise MisreadError for JSON that readers differ on: with a key twice, or with numbers that
    are none or too long. What is no JSON passes: whoever parses it says it better."""
    try:
        json.loads(
            text, object_pairs_hook=_told_once, parse_constant=_no_number, parse_int=_whole_number
        )
    except MisreadError:
        raise
    except RecursionError as error:
        raise MisreadError("nested too deeply, and is not read") from error
    except ValueError:
        return


def _told_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise MisreadError(f"key {max(keys, key=keys.count)!r} stands there twice")
    return found


def _no_number(text: str) -> float:
    raise MisreadError(f"holds {text}, which is no number")


def _whole_number(text: str) -> int:
    n = len(text.removeprefix("-"))
    if n > MOST_DIGITS:
        raise MisreadError(f"holds a number of {n} digits, more than {MOST_DIGITS}")
    return int(text)


def checked(cls: type[T], value: object) -> T:
    """The same of what json has read already; a class of JSON objects, not of dataclasses."""
    return _read(cls, lambda reader: reader.validate_python(value))


def _read(cls: type[T], how: Callable[[TypeAdapter[T]], T]) -> T:
    try:
        return how(_reader(cls))
    except ValidationError as error:
        faults = error.errors(include_url=False)
    # A slip in a key is a missing key as well: the slip says more.
    first = min(faults, key=lambda fault: fault["type"] not in _SLIPS)
    *parents, last = first["loc"] or ("",)
    place, found = ".".join(map(str, first["loc"])), repr(first["input"])
    match first["type"]:
        case "json_invalid":
            raise MisreadError(f"not JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
        case "missing":
            raise MisreadError(f"missing key '{place}'")
        case slip if slip in _SLIPS:
            raise MisreadError(f"unknown key '{place}'; {nearest(str(last), _keys(cls, parents))}")
        case "too_short" | "string_too_short":
            raise MisreadError(f"{place} must not be empty")
        case "string_pattern_mismatch":
            pattern = first.get("ctx", {}).get("pattern")
            wanted = "not be blank" if pattern == r"\S" else f"match {pattern}, got {_short(found)}"
            raise MisreadError(f"{place} must {wanted}")
        case _:
            wanted = first["msg"].replace("Input should be", "must be")
            raise MisreadError(f"{place or 'it'} {wanted}, got {_short(found)}")


def _short(found: str) -> str:
    return f"{found[:57]}..." if len(found) > 60 else found


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint for an unknown name: the closest valid one, or all of them."""
    known = sorted(valid)
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"valid: {', '.join(known)}"


@cache
def _reader(cls: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(cls)


def _keys(cls: Any, path: Sequence[int | str]) -> list[str]:
    """The keys of what stands at a path below a dataclass."""
    for key in path:
        cls = get_type_hints(cls)[str(key)] if is_dataclass(cls) else get_args(cls)[-1]
        if isinstance(cls, UnionType):
            cls = next(each for each in get_args(cls) if each is not NoneType)
    return list(get_type_hints(cls))
