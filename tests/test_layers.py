"""Imports go one way: each layer imports only from those below it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import registry

ROOT = Path(__file__).parent.parent
PACKAGES = ("bench", "tasks", "baselines", "leaderboard")
ROOMS = {
    "bench": (
        "ground", "contract", "costs", "students", "corpora", "questions", "training", "critics",
        "teacher", "run", "estimates", "reuse", "api", "cli",
    ),
    "leaderboard": ("store", "stats", "rows", "compare", "verify", "show", "cli"),
}  # fmt: skip
"""From the ground up; the contract is what stands beside the rooms of bench."""
ASK_THE_BOARD = ("bench.run.missing", "bench.run.tune", "bench.run.merge")
"""What is published, and how facts of each kind are read."""
KNOW_RECORDS = ("run", "estimates", "reuse", "api")
"""They make records or start from one, so they know their schema."""
FOUNDATION = {
    "bench.types": set[str](),
    "bench.percentile": set[str](),
    "bench.curriculum": {"bench.types", "bench.percentile"},
    "bench.method": {"bench.types"},
    "bench.losses": set[str](),
    "bench.batch": {"bench.types", "bench.losses"},
    "bench.solve": {"bench.types"},
}
"""Module -> all that it may import of ours when it is loaded."""


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for package in PACKAGES for path in files(package)}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def walk(node: ast.AST, *, when_loaded: bool) -> Iterator[ast.AST]:
    """All nodes but those for type checkers, nor those inside functions if `when_loaded`."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        if when_loaded and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        yield child
        yield from walk(child, when_loaded=when_loaded)


def imported(path: Path, *, when_loaded: bool = False) -> set[str]:
    """Full names of the modules that a file imports, `from a import b` as a.b if that is one."""
    found = set[str]()
    for node in walk(ast.parse(path.read_text()), when_loaded=when_loaded):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in names if name in MODULES}
            found |= modules | ({node.module} if names - modules else set())
    return found


def ours(path: Path, *, when_loaded: bool = False) -> set[str]:
    names = imported(path, when_loaded=when_loaded)
    return {name for name in names if name.partition(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", ["tasks", "leaderboard"])
def test_tasks_and_leaderboard_import_nothing_of_ours(package: str) -> None:
    for path in files(package):
        assert not {n for n in ours(path) if n.partition(".")[0] != package}, path


def test_tasks_and_leaderboard_never_import_torch() -> None:
    for path in [*files("tasks"), *files("leaderboard")]:
        assert not {name for name in imported(path) if name.partition(".")[0] == "torch"}, path


@pytest.mark.parametrize("path", files("baselines"), ids=lambda path: path.stem)
def test_a_baseline_imports_the_contract_alone(path: Path) -> None:
    """And the method that it is a kind of."""
    contract = {"bench.method", "bench.types", "bench.curriculum"}
    contract |= {"baselines._phrases", "baselines._cuts"}
    found = registry.discover().get(path.stem)
    contract |= {base.__module__ for base in type(found).__mro__} if found else set()
    assert ours(path, when_loaded=True) <= contract
    assert ours(path) <= contract | {"bench.losses", "bench.batch"}
    third_party = {n for n in imported(path, when_loaded=True) if n.partition(".")[0] == "torch"}
    assert not third_party, "torch is for loss() alone"


@pytest.mark.parametrize("module", sorted(FOUNDATION))
def test_the_foundation_imports_only_from_lines_below_it(module: str) -> None:
    assert ours(MODULES[module], when_loaded=True) <= FOUNDATION[module]


def room(module: str) -> str:
    _, *inner = module.split(".")
    if inner == ["__main__"]:
        return "cli"
    return inner[0] if len(inner) > 1 else "contract"


HOUSE = [path for p in ROOMS for path in files(p) if path.name != "__init__.py"]


@pytest.mark.parametrize("path", HOUSE, ids=module_name)
def test_a_room_imports_from_rooms_below_it_alone(path: Path) -> None:
    name = module_name(path)
    package, own = name.split(".")[0], room(name)
    rooms = ROOMS[package]
    above = rooms[rooms.index(own) + 1 :]
    found = {n for n in ours(path) if n.startswith(f"{package}.") and room(n) in above}
    assert not found, f"{own} stands below {', '.join(map(room, found))}"


@pytest.mark.parametrize(
    ("package", "readme"), [("bench", "README.md"), ("leaderboard", "leaderboard/README.md")]
)
def test_the_picture_of_a_house_names_every_room_in_order(package: str, readme: str) -> None:
    _, after = (ROOT / readme).read_text().split(f"    {package}/\n", 1)
    named = [line.split()[0].removesuffix("/") for line in after.split("\n\n")[0].splitlines()]
    rooms = ROOMS[package]
    assert named == ["*.py" if name == "contract" else name for name in reversed(rooms)]
    assert {room(module_name(p)) for p in HOUSE if package in p.parts} == {*rooms}


def test_records_are_known_only_where_they_are_made() -> None:
    for path in files("bench"):
        board = {name for name in ours(path) if name.partition(".")[0] == "leaderboard"}
        own = room(module_name(path))
        if own == "cli" or module_name(path) in ASK_THE_BOARD:
            continue
        kinds = ("record", "generations", "probes", "costs", "ranges")
        known = {"leaderboard.store", *(f"leaderboard.store.{kind}" for kind in kinds)}
        # How files are read and hashed has nothing to do with what is in them.
        of_all = {"leaderboard.store.reading", "leaderboard.store.files"}
        assert board <= of_all | (known if own in KNOW_RECORDS else set()), path


def test_methods_and_teachers_are_found_by_listing_and_never_imported() -> None:
    for path in files("bench"):
        if path.parent.name == "study":
            continue  # what `init` gives a user
        named = {n for n in ours(path) if n.startswith("baselines.") or n.endswith(".teacher")}
        assert not named, path


def test_no_two_modules_import_each_other_when_loaded() -> None:
    below = {name: ours(path, when_loaded=True) for name, path in MODULES.items()}
    settled = set[str]()
    while ready := {n for n in below.keys() - settled if below[n] & below.keys() <= settled | {n}}:
        settled |= ready
    assert settled == below.keys(), f"in a circle: {sorted(below.keys() - settled)}"


LOADS = {
    "help": "from bench.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    "board help": (
        "from bench.__main__ import main\n"
        "try: main(['board', 'show', '--help'])\nexcept SystemExit: pass"
    ),
    "board": "from bench.__main__ import main\nmain(['board', 'show', 'nothing-like-it'])",
    "board package": "import leaderboard.cli.parser, leaderboard.rows.rank",
    "contract": "import bench.types, bench.curriculum, bench.method, bench.track",
    "methods": "from bench import registry; registry.discover()",
}


@pytest.mark.parametrize("what", sorted(LOADS))
def test_torch_stays_unloaded(what: str) -> None:
    code = (
        f"import sys\n{LOADS[what]}\nprint(sorted({{'torch', 'transformers'}} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
