"""Our training of a case, in seconds: our_training.py FOLDER."""

import json
import sys
import tempfile
from pathlib import Path

from bench.costs.flops import fit_flops
from bench.students.student import Student
from bench.track import Decoding, Training
from bench.training.train import train
from bench.types import Example
from tests.given import Given
from tests.peers.speed.case import Case


def main(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    case = Case.read(folder)
    load = {"dtype": "float32"}
    model = AutoModelForCausalLM.from_pretrained(folder / "model", **load)
    student = Student(model, AutoTokenizer.from_pretrained(folder / "model"))
    cost = fit_flops(model)
    training = Training(
        epochs=1,
        batch_size=case.batch_size,
        learning_rate=case.learning_rate,
        lora_rank=case.lora_rank,
        lora_alpha=case.lora_rank and 2 * case.lora_rank,
        precision="fp32",
        max_tokens=case.max_tokens,
        micro_batch_tokens=case.micro_batch_tokens,
        checkpoint_steps=10**6,
    )
    rows = [
        Example(f"{i}", "", prompt, (), ("",), target, i)
        for i, (prompt, target) in enumerate(case.pairs)
    ]
    with tempfile.TemporaryDirectory() as out:
        spent = train(
            Given(),
            rows,
            student,
            training,
            Decoding(max_new_tokens=1),
            seed=0,
            out=Path(out),
            total=case.n_steps,
        )
        first = json.loads((Path(out) / "train.jsonl").read_text().splitlines()[0])
    n_tokens = sum(length * n for length, n in spent.lengths.items())
    flops = cost.training_flops([n for n, k in spent.lengths.items() for _ in range(k)])
    # Frozen weights need no gradients of their own: a third is not done.
    done = flops * 2 // 3 if case.lora_rank else flops
    told = {"n": n_tokens, "seconds": spent.seconds, "loss": first["loss"], "flops": done}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
