"""Twin tests of models that are made up, so that every figure can be computed by hand."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.language.reading import read
from relay.seam.templates import Template
from relay.twin.plan import Part

Says = Callable[[Request, str], str]  # of what the model reads inside its thought
TWO = {"models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: y}"}


def engine(says: Says, name: str) -> Scripted:
    """An engine that says this of what it read."""
    tokenizer = shipped()

    def reads(request: Request) -> str:
        return says(request, tokenizer.text_of(request.prompt).partition("<think>")[2])

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), reads, facts={"script": name})


def number(request: Request) -> int:
    """The problem's number: sum-0007 is 7."""
    return int(request.purpose.problem.id.removeprefix("sum-"))


def in_pool(request: Request) -> bool:
    """Whether a solo is sampled."""
    return request.purpose.node == "(pool)"


def answered(request: Request, right: bool, thought: str = " So.") -> str:
    """An answer after this thought."""
    return f"{thought}</think>The answer is {request.purpose.problem.answer if right else 999}."


def played(bench: Any, test: str, engines: Mapping[str, Scripted], sets: Mapping[str, str], guide: str = "") -> Part:
    """One part of a twin test, run into the bench's folder."""
    bench.given = dict(engines)
    part = Part(test, "known", guide, read(test, sets))
    asyncio.run(bench.start_canned(test, sets, part.file))
    return part
