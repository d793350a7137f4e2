"""The models that ship: what their folders hold, what their cards say, and that they solve problems for real."""

import json
from pathlib import Path
from statistics import fmean, mean
from typing import Any

import pytest

from relay.train.cards import card
from relay.train.recipes import RECIPES
from relay.train.words import tokenizer_of
from relay.zoo import shipped

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence" / "zoo.json"
MB = 1_000_000
SETS = {"chain": "chains", "bracket": "brackets", "equation": "equations", "story": "stories"}
NAMES = [f"relay/{name}" for name in RECIPES]


def facts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shipped()[name] / "training.json").read_text())
    return found


def test_every_recipe_s_model_ships() -> None:
    assert sorted(shipped()) == sorted(NAMES)


def test_they_are_small() -> None:
    sizes = {name: sum(file.stat().st_size for file in folder.iterdir()) for name, folder in shipped().items()}
    assert max(sizes.values()) <= 8 * MB, sizes
    assert sum(sizes.values()) <= 28 * MB, sizes


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_is_in_hugging_face_format(name: str) -> None:
    there = {file.name for file in shipped()[name].iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= there


@pytest.mark.parametrize("name", NAMES)
def test_it_was_made_by_the_recipe_that_is_here(name: str) -> None:
    """Who changes a recipe, or a text that it learns from, has to train anew."""
    recipe = RECIPES[name.removeprefix("relay/")]
    assert facts(name)["fingerprint"] == recipe.fingerprint
    assert facts(name)["seed"] == 0
    made = json.loads(tokenizer_of(recipe).to_str())
    there = json.loads((shipped()[name] / "tokenizer.json").read_text())
    assert made["model"]["vocab"] == there["model"]["vocab"]
    assert made["model"]["merges"] == there["model"]["merges"]


@pytest.mark.parametrize("name", NAMES)
def test_its_card_is_true(name: str) -> None:
    recipe = RECIPES[name.removeprefix("relay/")]
    page = (shipped()[name] / "README.md").read_text()
    assert page == card(recipe, facts(name), json.loads(EVIDENCE.read_text())), (
        "write it anew: python -m relay.train.cards"
    )


def test_what_the_cards_promise_was_measured() -> None:
    found = json.loads(EVIDENCE.read_text())

    def share(name: str) -> float:
        """Right of what `tiny` was trained on: its families by their weights, their difficulties alike."""
        parts = RECIPES["tiny"].mix
        shares = [
            mean(
                correct / graded
                for correct, graded in list(found["solo"][name][SETS[part.family]].values())[: part.highest]
            )
            for part in parts
        ]
        return fmean(shares, weights=[part.weight for part in parts])

    assert share("relay/tiny") >= 0.85
    assert share("relay/tiny-guide") >= 0.97
    assert found["guidance"]["relay/tiny"]["problems"] >= 100
    assert {(each["seed"], each["stitch"]) for each in found["contrast"]} == {
        (seed, stitch) for seed in (0, 1, 2) for stitch in ("paper", "unseen")
    }
    assert all(each["difference"][1] > 5 for each in found["contrast"])


@pytest.mark.parametrize(
    ("name", "least"), [("relay/tiny", 20), ("relay/tiny-backtrack", 20), ("relay/tiny-guide", 22)]
)
def test_it_solves_problems_that_nobody_trained_on(name: str, least: int) -> None:
    """The most probable tokens, through transformers alone: 24 chains of 3 to 5 operations."""
    from itertools import islice

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from relay.families.endless import chains

    problems = [p for p in islice(chains(9), 64) if 3 <= int(str(p.extra["difficulty"])) <= 5]
    tokenizer: Any = AutoTokenizer.from_pretrained(shipped()[name], padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(shipped()[name])
    turns = [[{"role": "user", "content": problem.question}] for problem in problems]
    inputs = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
    )
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=220, do_sample=False)
    texts = tokenizer.batch_decode(out, skip_special_tokens=True)
    right = sum(f"\\boxed{{{p.answer}}}" in text for p, text in zip(problems, texts, strict=True))
    assert len(problems) == 24
    assert right >= least, (right, texts[:3])
