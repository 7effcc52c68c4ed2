"""What an installed wheel can do away from the checkout; needs the build tools of the lock."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_a_study_runs_from_an_installed_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    install = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([tmp_path / "env/bin/pip", *install], check=True)
    # What it depends on is taken from this environment, whose own link to the checkout it has not.
    (packages,) = (tmp_path / "env/lib").glob("python*/site-packages")
    depends = Path(pytest.__file__).parent.parent
    (packages / "depends.pth").write_text(f"{depends}\n")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["SKBENCH_HOME"] = str(tmp_path / "home")

    def skbench(*words: str, folder: Path = tmp_path) -> str:
        command = [tmp_path / "env/bin/skbench", *words]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "\nstd_cot " in skbench("board", "show", "pocket", "--untuned")
    skbench("init", "study")
    assert "| std_cot " in skbench("run", "--limit", "2", folder=tmp_path / "study")
    code = "import bench, tasks; print(bench.__file__, tasks.__file__)"
    found = subprocess.check_output(
        [tmp_path / "env/bin/python", "-c", code], cwd=tmp_path, text=True, env=environment
    )
    assert all(path.startswith(str(packages)) for path in found.split())
