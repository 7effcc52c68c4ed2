"""The loss that TRL's GKD gives a batch; runs in the peers' environment: gkd_loss.py FOLDER BETA.

The folder holds the models `student` and `teacher`, and `batch.json` with right-padded input_ids,
their attention_mask and labels, -100 where nothing is learned.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers import AutoModelForCausalLM
from trl.experimental.gkd import GKDTrainer

folder, beta = Path(sys.argv[1]), float(sys.argv[2])
student, teacher = (
    AutoModelForCausalLM.from_pretrained(folder / name) for name in ("student", "teacher")
)
batch = json.loads((folder / "batch.json").read_text())
trainer = SimpleNamespace(
    teacher_model=teacher, beta=beta, generalized_jsd_loss=GKDTrainer.generalized_jsd_loss
)
inputs = {name: torch.tensor(rows) for name, rows in batch.items()}
loss = GKDTrainer.compute_loss(trainer, student.eval(), inputs)
print(json.dumps(loss.item()))
