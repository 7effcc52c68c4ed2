"""What the key of a cell covers."""

import os
import subprocess
import sys
from pathlib import Path

import baselines
from bench.ground import sources
from tests.test_layers import MODULES, ROOT, room
from tests.test_run import TRACK


def test_a_key_covers_every_file_that_training_and_judging_load(tmp_path: Path) -> None:
    """Of the rooms that make numbers: an import by a name of run time would be missed."""
    path = tmp_path / "own.toml"
    path.write_text(TRACK)
    code = (
        "import sys\nfrom bench.__main__ import main\n"
        f"main(['run', {str(path)!r}, '--methods', 'skintern,zero_shot', '--limit', '2'])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"SKBENCH_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    loaded = {name for name in done.stdout.splitlines()[-1].split() if name in MODULES}
    rooms = {"contract", "costs", "students", "corpora", "training", "run"}
    makers = {name for name in loaded if name.startswith("bench.") and room(name) in rooms}
    makers -= {name for name in makers if MODULES[name].name == "__init__.py"}
    command = {"bench.run.planning", "bench.run.sweep", "bench.run.jobs", "bench.run.missing"}
    command |= {name for name in makers if name.startswith("bench.run.executors.")}
    skintern = Path(baselines.__file__).parent / "skintern.py"
    covered = sources.files("bench.run.stages", of=(skintern,))
    assert "bench.run.fit" in makers
    assert {str(MODULES[name].relative_to(ROOT)) for name in makers - command} <= {*covered}
