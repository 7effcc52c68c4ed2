"""TRL's training of a case, in seconds, in the peers' environment: trl_training.py FOLDER HOW.

HOW is `padded`, `sorted` (batches of like length) or `packed`, in which texts see one another.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

HOW: dict[str, dict[str, Any]] = {
    "padded": {},
    "sorted": {"train_sampling_strategy": "group_by_length"},
    "packed": {"packing": True, "packing_strategy": "wrapped"},
}


class Counting:
    """A collator that counts the tokens that are no padding."""

    def __init__(self, collate: Any) -> None:
        self.collate, self.n = collate, 0

    def __call__(self, rows: Any) -> Any:
        batch = self.collate(rows)
        self.n += (
            int(batch["attention_mask"].sum())
            if "attention_mask" in batch
            else batch["input_ids"].numel()
        )
        return batch


def main(folder: Path, how: str) -> None:
    case = json.loads((folder / "case.json").read_text())
    rows = [{"prompt": prompt, "completion": target} for prompt, target in case["pairs"]]
    rank = case["lora_rank"]
    lora = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(
            output_dir=out,
            per_device_train_batch_size=case["batch_size"],
            num_train_epochs=1,
            learning_rate=case["learning_rate"],
            max_length=case["max_tokens"],
            completion_only_loss=True,
            gradient_checkpointing=False,
            use_cpu=not torch.cuda.is_available(),
            bf16=False,
            report_to="none",
            logging_steps=1,
            save_strategy="no",
            disable_tqdm=True,
            **HOW[how],
        )
        trainer = SFTTrainer(
            AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32),
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=AutoTokenizer.from_pretrained(folder / "model"),
            peft_config=lora if rank else None,
        )
        trainer.data_collator = counting = Counting(trainer.data_collator)
        trainer.train()
    found = {line: each for each in trainer.state.log_history for line in each}
    first = next(each["loss"] for each in trainer.state.log_history if "loss" in each)
    print(
        json.dumps(
            {"n": counting.n, "seconds": found["train_runtime"]["train_runtime"], "loss": first}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
