"""The engine that says what it is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from relay.engine import Delta, Engine, Purpose, Request, Sampling
from relay.engine.scripted import SHIPPED, TEMPLATE, Says, Scripted, ScriptedModel, shipped, speaker
from relay.errors import EngineError, UserError
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer

SUM = Problem("sum", "What is 2+3?", "5")
OTHER = Problem("other", "What is 4+4?", "8")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return shipped()


def engine(tokenizer: Tokenizer, says: Says | list[str], **how: Any) -> Scripted:
    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says if callable(says) else speaker(says), **how)


def request(
    tokenizer: Tokenizer, *, visit: int = 1, problem: Problem = SUM, banned: frozenset[int] = frozenset(), **cut: Any
) -> Request:
    purpose = Purpose(problem, 3, "think", visit, "0")
    return Request([1, 2, 3], Cut(tokenizer, **{"tokens": 500, **cut}), Sampling(), 7, banned, purpose)


async def said(engine: Engine, request: Request) -> tuple[Settled, list[Delta]]:
    deltas = [delta async for delta in engine.extend(request)]
    return request.cut.settle(), deltas


async def text(engine: Engine, tokenizer: Tokenizer, **how: Any) -> str:
    return (await said(engine, request(tokenizer, **how)))[0].text


async def test_each_visit_has_its_text_and_the_last_serves_all_that_follow(tokenizer: Tokenizer) -> None:
    scripted = engine(tokenizer, ["First.", "Second."])
    assert [await text(scripted, tokenizer, visit=n) for n in (1, 2, 3, 9)] == [
        "First.",
        "Second.",
        "Second.",
        "Second.",
    ]


async def test_the_problem_at_hand_is_filled_in(tokenizer: Tokenizer) -> None:
    scripted = engine(tokenizer, ["{question} {answer} {sample} {other} {}"])
    assert await text(scripted, tokenizer) == "What is 2+3? 5 3 {other} {}"


async def test_a_problem_may_have_a_script_of_its_own(tokenizer: Tokenizer) -> None:
    scripted = engine(tokenizer, speaker({"sum": ["Mine."], "*": ["All others."]}))
    assert await text(scripted, tokenizer) == "Mine."
    assert await text(scripted, tokenizer, problem=OTHER) == "All others."
    with pytest.raises(EngineError, match=r"no text for problem 'other' and none for '\*'"):
        await text(engine(tokenizer, speaker({"sum": ["Mine."]})), tokenizer, problem=OTHER)


async def test_it_ends_its_turn(tokenizer: Tokenizer) -> None:
    settled, [delta] = await said(engine(tokenizer, ["It is 5."]), request(tokenizer))
    assert settled.turn_ended
    assert delta.ids == (*tokenizer.encode("It is 5."), *tokenizer.eos)
    assert delta.usage is not None
    assert (delta.usage.computed, delta.usage.cached, delta.usage.decoded) == (3, 0, len(delta.ids))


async def test_a_tag_closes_the_thinking_unless_it_is_banned(tokenizer: Tokenizer) -> None:
    scripted = engine(tokenizer, ["So.\n</think>5"])
    assert tokenizer.think is not None
    settled, _ = await said(scripted, request(tokenizer))
    assert settled.text[settled.closed :] == "5"
    banned = frozenset({tokenizer.think.close})
    assert await text(scripted, tokenizer, banned=banned, closes=False) == "So.\n5"


@pytest.mark.parametrize("delta", ["segment", "token"])
@pytest.mark.parametrize(
    ("cut", "kept", "decoded"),
    [
        ({"tokens": 4}, 4, 4),
        ({"texts": ("=",)}, 5, 5),
        ({"sentences": 1}, 8, 9),
        ({"tokens": 4, "sentences": 1}, 4, 4),
        ({}, 11, 12),
    ],
)
async def test_it_stops_where_the_cut_says_and_decodes_no_more(
    tokenizer: Tokenizer, delta: Any, cut: dict[str, Any], kept: int, decoded: int
) -> None:
    ids = tokenizer.encode("So 2 + 3 = 5 after. Let me check")
    assert [tokenizer.text_of([i]) for i in ids][4:9] == [" =", " 5", " after", ".", " Let"]
    settled, deltas = await said(engine(tokenizer, lambda _: ids, delta=delta), request(tokenizer, **cut))
    assert settled.ids == tuple(ids[:kept])
    assert settled.thrown == decoded - kept - settled.turn_ended
    assert sum((d.ids for d in deltas), ()) == (*ids, *tokenizer.eos)[:decoded]
    assert len(deltas) == (1 if delta == "segment" else decoded)
    assert [d.usage.decoded for d in deltas if d.usage is not None] == [decoded]
    assert deltas[-1].usage is not None


async def test_a_tag_spelled_by_force_stops_it_on_the_spot(tokenizer: Tokenizer) -> None:
    settled, [delta] = await said(engine(tokenizer, ["So. </ think> five"]), request(tokenizer, closes=False))
    assert (settled.text, settled.stop) == ("So. ", "closed_by_force")
    assert tokenizer.text_of(delta.ids).endswith(">")


async def test_the_script_may_be_ids(tokenizer: Tokenizer) -> None:
    letters = [i for c in "the" for i in tokenizer.encode(c)]
    settled, _ = await said(engine(tokenizer, lambda _: letters), request(tokenizer))
    assert settled.ids == tuple(letters)


async def test_others_run_while_it_speaks(tokenizer: Tokenizer) -> None:
    """It truly suspends: a sibling that only yields gets its turn once a call."""
    scripted = engine(tokenizer, ["It is 5."])
    turns = 0

    async def sibling() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(sibling())
    for _ in range(10):
        await said(scripted, request(tokenizer))
    task.cancel()
    assert turns >= 10


async def test_it_may_take_its_time(tokenizer: Tokenizer) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await said(engine(tokenizer, ["It is 5."], seconds=0.02), request(tokenizer))
    assert loop.time() - before >= 0.015


async def test_a_prompt_that_does_not_fit_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(EngineError, match="a prompt of 3 tokens does not fit into a context of 3"):
        await said(engine(tokenizer, ["It is 5."], context=3), request(tokenizer))


async def opened(**fields: Any) -> Scripted:
    return await ScriptedModel.model_validate_json(json.dumps({"engine": "scripted", **fields})).open()


async def test_a_scenario_says_it_all() -> None:
    scripted = await opened(says={"sum": "Mine.", "*": ["One.", "Two."]}, context=99, delta="token", seconds=0)
    assert scripted.context == 99
    assert await text(scripted, scripted.tokenizer, problem=OTHER, visit=2) == "Two."
    assert await text(scripted, scripted.tokenizer) == "Mine."
    assert scripted.template.render("Why?").text == "<|user|>\nWhy?\n<|assistant|>\n<think>\n"
    await scripted.aclose()


async def test_without_thinking_none_is_opened() -> None:
    scripted = await opened(says="Five.", thinking=False)
    assert scripted.template.render("Why?").thinking == "none"


async def test_what_made_it_is_known() -> None:
    one, same, another = [await opened(says=says) for says in ("Five.", ["Five."], "Six.")]
    assert one.facts == same.facts
    assert one.facts["script"] != another.facts["script"]
    assert one.facts["engine"] == "scripted"


async def test_it_may_speak_in_another_models_ids(tmp_path: Path) -> None:
    tok = tokenizers.Tokenizer.from_file(str(SHIPPED))
    spec = tok.to_str().replace("<|end|>", "</s>").replace("<|user|>", "<|other|>")
    (tmp_path / "tokenizer.json").write_text(spec, encoding="utf-8")
    scripted = await opened(says="Five.", tokenizer=str(tmp_path / "tokenizer.json"))
    assert scripted.tokenizer.eos == {scripted.tokenizer.special["</s>"]}
    assert scripted.template.render("Why?").text == "Why?\n"
    (tmp_path / "tokenizer.json").write_text(spec.replace("</s>", "<end>"), encoding="utf-8")
    with pytest.raises(UserError, match=r"tokenizer\.json: has no token that ends a turn \(one of <\|end\|>"):
        await opened(says="Five.", tokenizer=str(tmp_path / "tokenizer.json"))
