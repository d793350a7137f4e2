"""The exact prompt that each writer sees at each of its turns, for the habits of real chat templates."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relay.engine import Delta, Request
from relay.engine.scripted import Scripted
from relay.errors import UserError
from relay.language.reading import from_tree
from relay.prepare.jobs import Jobs, RunPlan, cell_plans
from relay.problems import Problem
from relay.runtime import rollout
from relay.seam.policies import policy
from relay.seam.templates import Opened, Template, _compiled
from relay.seam.tokens import Tokenizer
from tests.seam.vocabularies import byte_level, metaspace

HERE = Path(__file__).parent
CHATML = ("<|im_start|>", "<|im_end|>")
TAGS = ("<think>", "</think>")
R1 = ("<|begin of sentence|>", "<|end of sentence|>", "<|User|>", "<|Assistant|>")


class Family(NamedTuple):
    """A model's tokenizer and what its template is told."""

    tokenizer: Tokenizer
    opens: str = ""
    thinking: Opened = "none"

    def template(self, name: str, thinking: bool | None = None) -> Template:
        source = None if name == "base" else (HERE / "templates" / f"{name}.jinja").read_text()
        return Template(self.tokenizer, source, bos=self.opens, thinking=thinking)


@pytest.fixture(scope="module")
def families() -> dict[str, Family]:
    gemma = metaspace(["<bos>", "<start_of_turn>", "<end_of_turn>"], ["<end_of_turn>"], opens="<bos>")
    return {
        "qwen3": Family(byte_level([*CHATML, *TAGS], ["<|im_end|>"]), thinking="relay"),
        "r1": Family(byte_level([*R1, *TAGS], [R1[1]], size=360, opens=R1[0]), R1[0], "template"),
        "strict": Family(byte_level([*TAGS, *CHATML], ["<|im_end|>"]), thinking="template"),
        "smollm2": Family(byte_level(CHATML, ["<|im_end|>"])),
        "gemma3": Family(gemma, "<bos>"),
        "base": Family(byte_level(["<s>", "</s>"], ["</s>"], opens="<s>"), "<s>"),
    }


NAMES = ["qwen3", "r1", "strict", "smollm2", "gemma3", "base"]
PROBLEM = Problem("p", "What is 2+3? ", "5")
SCENARIO: dict[str, Any] = {
    "relay": 1,
    "models": {"writer": {"engine": "scripted", "says": "-"}, "helper": {"engine": "scripted", "says": "-"}},
    "problems": "sums",
    "graph": {
        "start": "one",
        "answer": "close",
        "nodes": {
            "one": {"write": "writer", "until": {"sentences": 1}},
            "help": {"write": "helper", "until": {"text": "</b>. "}},
            "two": {"write": "writer"},
            "steer": {"insert": {"text": "\nWait. </think> is a tag. "}},
            "three": {"write": "writer", "until": {"tokens": 3}},
            "close": {"write": "helper"},
            "four": {"write": "writer"},
        },
        "edges": {"one": "help", "help": "two", "two": "steer", "steer": "three", "three": "close", "close": "four",
                  "four": "end"},
    },
}  # fmt: skip
SAID = {
    "one": "We add 2 and 3. Then",
    "help": " So <b>5</b>. And",
    "two": "\n  Is it?",
    "three": "",
    "close": "It is.\n</think>\n\n5",
    "four": "",
}
ASKED = {"one": "first turn", "two": "second turn", "three": "after a steer", "four": "after a closed thought"}


class Overheard(Scripted):
    """An engine that keeps the prompts it was given, by node."""

    prompts: dict[str, list[int]]

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.prompts[request.purpose.node] = request.prompt.copy()
        async for delta in super().extend(request):
            yield delta


def engine(tokenizer: Tokenizer, template: Template) -> Overheard:
    def says(request: Request) -> Sequence[int]:
        """As text, but for the closing of the thinking."""
        before, close, after = SAID[request.purpose.node].partition("</think>")
        closing = [tokenizer.think.close] if close and tokenizer.think else []
        return [*tokenizer.encode(before), *closing, *tokenizer.encode(after)]

    made = Overheard(tokenizer, template, says)
    made.prompts = {}
    return made


async def walked(writer: Overheard, helper: Overheard) -> None:
    reading = from_tree(SCENARIO, "s.yaml")
    plan = RunPlan([PROBLEM], cell_plans(reading), 1, {"writer": writer, "helper": helper}, {})
    jobs = Jobs(plan)
    job = jobs.job(jobs.plan.begun(0))
    async for _ in rollout(job.walk, job.stage):
        pass


def golden(name: str) -> dict[str, str]:
    parts = re.split(r"^== (.*)\n", (HERE / "prompts" / f"{name}.txt").read_text(), flags=re.MULTILINE)
    return {title: text.rstrip("\n").removesuffix("¶") for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def shown(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """A prompt as the golden files write it, without the borders."""
    tags = {i: f"⟦{text}⟧".encode() for text, i in tokenizer.special.items()}
    return b"".join(tags.get(i) or tokenizer.bytes_of([i]) for i in ids).decode()


def written(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a golden prompt: the head as its template's text, then each segment by itself."""
    head, *segments = text.split("¦")
    ids = tokenizer.encode_template(re.sub("[⟦⟧]", "", head))
    for part in (part for segment in segments for part in re.split("⟦(.*?)⟧()", segment) if part):
        ids += [tokenizer.special[part]] if f"⟦{part}⟧" in text else tokenizer.encode(part)
    return ids


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_the_one_written_by_hand(name: str, families: dict[str, Family]) -> None:
    family, expected = families[name], golden(name)
    tokenizer = family.tokenizer
    stranger = byte_level([*TAGS, "<|end|>"], ["<|end|>"], size=300)
    assert policy(stranger, tokenizer).name == "text"
    writer = engine(tokenizer, family.template(name))
    asyncio.run(walked(writer, engine(stranger, Template(stranger, "{{ messages[0].content }}<think>\n"))))
    assert {node: shown(tokenizer, ids) for node, ids in writer.prompts.items()} == {
        node: expected[title].replace("¦", "") for node, title in ASKED.items()
    }
    for node, title in ASKED.items():
        assert writer.prompts[node] == written(tokenizer, expected[title]), title
        assert writer.prompts[node][: len(writer.prompts["one"])] == writer.prompts["one"]


@pytest.mark.parametrize("name", NAMES)
def test_every_head_is_the_one_written_by_hand(name: str, families: dict[str, Family]) -> None:
    family, expected = families[name], golden(name)
    for title, system, thinking in (("told something", "Be brief.", None), ("told not to think", None, False)):
        try:
            found = shown(family.tokenizer, family.template(name, thinking).render(PROBLEM.question, system).ids)
        except UserError as refused:
            found = f"refused: {refused}"
        assert found == expected[title], title
    assert family.template(name).render(PROBLEM.question).thinking == family.thinking


@pytest.mark.parametrize("name", ["r1", "gemma3", "base"])
def test_there_is_one_beginning_of_text_in_every_prompt(name: str, families: dict[str, Family]) -> None:
    """Both the template and the tokenizer put one there."""
    family = families[name]
    assert family.tokenizer.opening == (family.tokenizer.special[family.opens],)
    ids = family.template(name).render("Why?").ids
    assert (ids[0], *ids).count(ids[0]) == 2
    assert ids[:1] == family.tokenizer.opening


USER, MORE = {"role": "user", "content": " Why? "}, {"role": "user", "content": "Go on."}
ANSWERED = {"role": "assistant", "content": "<think>\nSo.\n</think>\n\n5 "}
STARTED = {"role": "assistant", "content": "So."}


@pytest.mark.parametrize(
    ("name", "turns", "habit"),
    [
        ("qwen3", [USER, STARTED], "assistant\n<think>\n\n</think>\n\nSo.<|im_end|>\n"),  # adds an empty thought
        ("qwen3", [USER, ANSWERED, MORE], "assistant\n5 <|im_end|>\n<|im_start|>user"),  # drops an earlier one
        ("r1", [USER, ANSWERED, MORE], "<|Assistant|>\n\n5 <|end of sentence|>"),  # drops it, even the last
        ("strict", [USER, ANSWERED], "raises: the thinking of an answer is passed apart from it"),
        ("smollm2", [USER], "<|im_start|>system\nYou help with sums."),  # puts in a system turn
        ("gemma3", [USER, ANSWERED], "model\n<think>\nSo.\n</think>\n\n5<end_of_turn>\n"),  # trims
        ("gemma3", [USER, MORE], "raises: Turns must alternate user, assistant, user"),
    ],
)
def test_the_templates_have_the_habits_that_make_chat_turns_unfit_for_a_thought_that_goes_on(
    name: str, turns: list[dict[str, str]], habit: str
) -> None:
    """So relay shows a template the question alone: what comes after the head, no template ever sees."""
    jinja = _compiled((HERE / "templates" / f"{name}.jinja").read_text())
    try:
        found = jinja.render(messages=turns, bos_token="<s>", add_generation_prompt=False)
    except Exception as raised:
        found = f"raises: {raised}"
    assert habit in found
