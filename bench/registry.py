"""File name -> Method class, by listing a folder; and the fields a user may set."""

import copyreg
import importlib
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import baselines
from bench.method import Method
from bench.track import ConfigError
from leaderboard.store.reading import nearest

FOLDER = Path(baselines.__file__).parent
MOST = 10**6
"""Of a field that is a number: some are counted up to."""


def discover(extra: Path | None = None) -> dict[str, Method]:
    """Every method with its defaults, by file name; `extra` is a user's own file.

    A file of the folder that cannot be read costs its own row: one line on stderr names it.
    """
    found = dict[str, Method]()
    for path in sorted(FOLDER.glob("[!_]*.py")):
        try:
            method = _made(path, partial(importlib.import_module, f"baselines.{path.stem}"))
        except ConfigError as error:
            _complain(str(error))
        else:
            found[method.name()] = method
    if extra is not None:
        method = _own(extra)
        found[method.name()] = method
    return found


def _own(path: Path) -> Method:
    """The method of a user's file, which other processes are sent with where to read its class."""
    method = _made(path, partial(_import_file, path))
    names = [field.name for field in fields(method)]
    copyreg.pickle(
        type(method),
        lambda own: (_sent, (path.resolve(), {name: getattr(own, name) for name in names})),
    )
    return method


def _sent(path: Path, values: Mapping[str, Any]) -> Method:
    return replace(_own(path), **values)


def _made(path: Path, load: Callable[[], ModuleType]) -> Method:
    """The method of a file; ConfigError names the file, and the line if its code is at fault."""
    try:
        return _method_of(load())()
    except ConfigError:
        raise
    except SyntaxError as error:
        raise ConfigError(f"{path}: {error}") from error
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(f"{path}: {error!r}, line {at.lineno} of {at.filename}") from error


@cache
def _complain(line: str) -> None:
    """Once a process, however often methods are listed."""
    print(f"skbench: left out {line}", file=sys.stderr)


def configure(methods: dict[str, Method], spec: str, settings: list[str]) -> Method:
    """The method named `spec`, with every `method.field=value` of `settings` that is its own.

    `spec` may carry fields itself, as a label does: `skintern[steps=3]`.
    """
    name, _, inner = spec.partition("[")
    if name not in methods:
        raise ConfigError(f"unknown method '{name}': {nearest(name, sorted(methods))}")
    if "[" in spec and not inner.endswith("]"):
        raise ConfigError(f"'{spec}': the bracket is not closed")
    pairs = [(name, part) for part in inner.removesuffix("]").split(",") if part]
    named = [part.partition("=")[0] for _, part in pairs]
    if len(set(named)) < len(named):
        raise ConfigError(f"'{spec}': a field stands there twice")
    for setting in settings:
        owner, dot, assignment = setting.partition(".")
        if not dot or owner not in methods:
            hint = nearest(owner, sorted(methods))
            raise ConfigError(f"--set {setting}: unknown method '{owner}': {hint}")
        pairs += [(owner, assignment)] if owner == name else []
    method = methods[name]
    for _, assignment in pairs:
        field, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"'{assignment}' of {name}: expected field=value")
        method = _with_field(method, field, text)
    return method


def is_what_ran(method: Method, ran: object) -> bool:
    """Whether the fields that a record ran are the method's.

    A field that came after the record is at its default, or the label would name it.
    """
    own = json.loads(json.dumps(asdict(method)))
    return isinstance(ran, dict) and {**own, **ran} == own


def traits(label: str, own: Mapping[str, Any]) -> dict[str, Any] | str | None:
    """What rows of a label with settings of their own are, whoever tells of them: `skewed`, an
    `upper_bound`, ones that `retrieve`; their `restarts` and the fields of their `method`; in words
    what is wrong with the label; None of a method that is not built in."""
    known = discover()
    if label.partition("[")[0] not in known:
        return None
    try:
        method = configure(known, label, [])
        for name in own.keys() & {field.name for field in fields(method)}:
            method = _with_field(method, name, str(own[name]))
    except ConfigError as error:
        return str(error)
    return {
        "skewed": method.skewed,
        "upper_bound": method.upper_bound,
        "retrieve": bool(method.needs.passages),
        "restarts": 0 if method.keeps_moments else len(method.restart_points),
        "method": json.loads(json.dumps(asdict(method))),
    }


def configure_named(spec: str) -> Method:
    """The built-in method that a track names, with the fields in its brackets."""
    return configure(discover(), spec, [])


def _with_field(method: Method, field: str, text: str) -> Method:
    valid = {f.name for f in fields(method)}
    if field not in valid:
        hint = nearest(field, sorted(valid)) if valid else "it has no fields"
        raise ConfigError(f"method '{method.name()}' has no field '{field}': {hint}")
    hint = get_type_hints(type(method))[field]
    try:
        value = _parsed(hint, text)
        changed = replace(method, **{field: value})
        _ = changed.needs  # refuses what no run could be given
        if min(changed.objectives.values()) < 0:
            raise ValueError("an objective of negative weight is unlearned")
        return changed
    except (KeyError, TypeError, ValueError) as error:
        kind = getattr(hint, "__name__", hint)
        raise ConfigError(
            f"{method.name()}.{field}={text}: not a valid {kind} ({error})"
        ) from error


def _parsed(hint: Any, text: str) -> Any:
    """The text as a value of the field's type; one of the other errors where it is none."""
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise ValueError(f"one of {', '.join(get_args(hint))}")
        return text
    value = {"true": True, "false": False}[text] if hint is bool else hint(text)
    if hint in (int, float) and not 0 <= value <= MOST:
        raise ValueError(f"from 0 to {MOST}")
    return value


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"--method-file {path}: no such file")
    if (FOLDER / path.name).exists():
        raise ConfigError(f"--method-file {path}: '{path.stem}' is built in; rename the file")
    # A name of its own, so that a file called json.py does not replace the real one.
    name = f"_method_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _method_of(module: ModuleType) -> type[Method]:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Method)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ConfigError(f"{module.__file__}: expected one Method class, found {len(found)}")
    if not isinstance(getattr(found[0], "source", None), str):
        raise ConfigError(f"{module.__file__}: `source` must name the paper and section")
    return found[0]
