"""The answers of lm-eval's HFLM to a case's prompts, in seconds: hflm_answers.py FOLDER BATCH."""

import json
import sys
import time
from pathlib import Path

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from tests.peers.speed.case import Case


def main(folder: Path, batch_size: int) -> None:
    case = Case.read(folder)
    model = HFLM(
        pretrained=str(folder / "model"), dtype="float32", batch_size=batch_size, device="cpu"
    )
    options = {"until": case.stop, "max_gen_toks": case.max_new_tokens, "do_sample": False}
    asked = [
        Instance("generate_until", doc={}, arguments=(text, dict(options)), idx=i)
        for i, text in enumerate(case.prompts)
    ]
    model.generate_until(asked[:2], disable_tqdm=True)
    began = time.perf_counter()
    texts = model.generate_until(asked, disable_tqdm=True)
    print(json.dumps({"n": len(texts), "seconds": time.perf_counter() - began, "texts": texts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
