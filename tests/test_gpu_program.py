"""The program that measures a GPU, on whatever there is: its numbers mean nothing here."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import WIDTHS

from bench.students import shapes
from tests.perf import gpu

SHAPE = WIDTHS | {"model_type": "llama", "vocab_size": 2000}
SIZES = gpu.Sizes(2, batch_size=2, n_tokens=64, n_prompts=8, n_prompt=32, n_new=8, product=64)


def test_it_writes_a_line_for_each_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(student=SimpleNamespace(shape=SHAPE))
    monkeypatch.setattr(gpu.track, "load", lambda _: told)
    monkeypatch.setattr(gpu, "Sizes", lambda: SIZES)
    monkeypatch.setattr(gpu, "PAGE", tmp_path / "GPU.md")
    gpu.main(["tiny"])
    lines = (tmp_path / "GPU.md").read_text().splitlines()
    (row,) = (line.split("|")[1:-1] for line in lines if line.startswith("| tiny"))
    cells = [cell.strip() for cell in row]
    assert len(cells) == len(gpu.HEAD) and cells[-2:] == ["8 of 8", "8 of 8"]
    assert all(float(cells[k].rstrip("% ").replace(",", "")) > 0 for k in (2, 4, 5, 6))


def test_twice_the_steps_are_twice_the_tokens() -> None:
    flops = gpu.fit_flops(shapes.meta_model(SHAPE))
    one, two = (replace(SIZES, n_steps=n) for n in (1, 2))
    rates = [gpu._training(SHAPE, flops, sizes, 1.0) for sizes in (one, two)]
    # FLOPs a token are those of the model, however many steps there are.
    assert rates[0][1] / rates[0][0] == pytest.approx(rates[1][1] / rates[1][0])
