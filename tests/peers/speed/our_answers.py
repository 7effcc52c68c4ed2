"""Our answers to a case's prompts, in seconds: our_answers.py FOLDER."""

import json
import sys
import time
from pathlib import Path

from bench.costs.flops import fit_flops
from bench.students.generate import Generator
from bench.students.student import Student
from bench.track import Decoding
from tests.peers.speed.case import Case


def main(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    case = Case.read(folder)
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype="float32")
    student = Student(model, AutoTokenizer.from_pretrained(folder / "model"))
    decoding = Decoding(max_new_tokens=case.max_new_tokens, batch_size=256, stop=case.stop)
    generator = Generator(student, decoding)
    generator.complete(case.prompts[:2])
    began = time.perf_counter()
    found = generator.complete(case.prompts)
    seconds = time.perf_counter() - began
    cost = fit_flops(student.model)
    flops = sum(
        cost.prefill_flops(each.n_prompt) + cost.decode_flops(each.n_prompt, each.n_generated)
        for each in found
    )
    texts = [each.text for each in found]
    print(json.dumps({"n": len(found), "seconds": seconds, "flops": flops, "texts": texts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
