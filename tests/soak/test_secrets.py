"""What is secret in the environment, or in a URL, is in no message and no journal."""

from pathlib import Path

import pytest

from tests.soak.conftest import SECRETS
from tests.soak.inputs import told
from tests.tracks import toy_track


def test_what_cannot_be_reached_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    Path("own.toml").write_text(toy_track())
    url = f"http://somebody:{SECRETS['PASSWORD_OF_A_PROXY']}@127.0.0.1:9/v1"
    code, said = told(
        *("corpus", "build", "--track", "own.toml", "--teacher", url, "--out", "made.jsonl"),
        *("--model", "m", "--limit", "1", "--retries", "0"),
    )
    assert code == 3 and "127.0.0.1:9" in said
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    for word in SECRETS.values():
        assert word not in said and not any(word.encode() in each for each in kept)
