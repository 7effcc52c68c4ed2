"""`on_policy_kd` beside TRL's GKD; `make peers` builds the environment that this needs."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import tiny_model

from bench import registry
from bench.batch import micro_batches, tokenize
from bench.students.student import Student
from bench.training.logits import scored_logits, teacher_logits
from bench.types import Pair

PEERS = Path(__file__).parents[2] / ".peers" / "bin" / "python"
SCRIPT = Path(__file__).parent / "gkd_loss.py"
PAIRS = [
    Pair("nubi", " takes 7: 7 becomes 0."),
    Pair("start 1, do duli nubi bura?", " 3."),
    Pair("which is left?", " duli adds 6: 1 becomes 7. bura adds 2."),
]


@pytest.mark.skipif(not PEERS.exists(), reason="no .peers: `make peers` builds it")
@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 1.0])
def test_a_step_has_the_loss_of_trl_s_gkd(
    beta: float, make_student: Callable[..., Student], tmp_path: Path
) -> None:
    student = make_student("llama", spread=0.5)
    teacher: Any = tiny_model("llama", spread=0.5, seed=1, n_layers=3)
    student.model.save_pretrained(tmp_path / "student")
    teacher.save_pretrained(tmp_path / "teacher")
    rows = [tokenize(student.tokenizer, pair) for pair in PAIRS]
    width, pad = max(map(len, rows)), student.tokenizer.eos_token_id
    batch: dict[str, list[list[int]]] = {"input_ids": [], "attention_mask": [], "labels": []}
    for row in rows:
        rest = width - len(row)
        batch["input_ids"].append([*row.prompt, *row.target, *[pad] * rest])
        batch["attention_mask"].append([1] * len(row) + [0] * rest)
        batch["labels"].append([-100] * len(row.prompt) + row.target + [-100] * rest)
    (tmp_path / "batch.json").write_text(json.dumps(batch))
    done = subprocess.run(
        [PEERS, SCRIPT, tmp_path, str(beta)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    method = registry.configure_named(f"on_policy_kd[beta={beta}]")
    own = 0.0
    parts = micro_batches(rows, {"solution": 1.0}, pad, max_tokens=width)
    assert len(parts) > 1
    for part in parts:
        judged = replace(part, teacher_logits=teacher_logits(teacher, part))
        with torch.no_grad():
            logits = scored_logits(student.model, part.input_ids, part.scored)
        own += method.loss(logits, judged).item()
    assert own == pytest.approx(json.loads(done.stdout), rel=1e-5)
