"""Models of one family in one run: how each is given what the other wrote, and where the file says so."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers

from relay.engine import Request
from relay.engine.scripted import SHIPPED, TEMPLATE, Scripted
from relay.errors import UserError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from relay.session import Options, resume
from relay.store.reader import Run
from tests.loop.conftest import Recording, Silent
from tests.seam.vocabularies import metaspace

SCENARIO = """
    relay: 1
    models:
      one: {engine: scripted, says: unused}
      two: {engine: scripted, says: unused}
    problems: {from: sums, limit: 1}
    graph:
      start: first
      answer: [first, second]
      nodes:
        first: {write: one}
        second: {write: two}
      edges: {first: second, second: end}
"""
SAID = "So<tool> it is.</think>5"


def family(*added: str, end: str = "<|end|>") -> Tokenizer:
    """The shipped words and signs; the tags stand behind these, in this order."""
    tok = tokenizers.Tokenizer.from_file(str(SHIPPED))
    tok.add_special_tokens(list(added))
    return Tokenizer.from_rust(tok, [end])


def engine(tokenizer: Tokenizer, *, seconds: float = 0.0, said: str = SAID) -> Scripted:
    template = Template(tokenizer, TEMPLATE)
    return Scripted(tokenizer, template, lambda _: said, seconds=seconds, facts={"script": said})


def handoffs(run: Run) -> list[tuple[str, str, str]]:
    return [(h["author"], h["reader"], h["policy"]) for h in run.meta["handoffs"]]


def read_by(asked: Sequence[Request], reader: Scripted) -> list[int]:
    """What the reader was given after its head."""
    [request] = asked
    return request.prompt[len(reader.template.render(request.purpose.problem.question).ids) :]


ONE, TWO = ("<a>", "<tool>"), ("<tool>", "<a>")


def test_of_one_base_vocabulary_ids_pass_with_a_map_and_the_file_says_so(bench: Any) -> None:
    one, two = engine(family(*ONE)), engine(family(*TWO))
    assert one.tokenizer.special["<tool>"] != two.tokenizer.special["<tool>"]
    bench.given = {"one": one, "two": two}
    with Run(bench.run(SCENARIO).path) as run:
        first, second = run.hops(0)
        assert handoffs(run) == [("one", "two", "ids with map"), ("two", "one", "ids with map")]
    assert first.segment.ids == tuple(one.tokenizer.encode_template(SAID))
    assert read_by(bench.engines["two"].requests, two) == two.tokenizer.encode_template(SAID)
    assert second.recoded == 0


def test_of_strangers_the_text_is_read(bench: Any) -> None:
    spec = json.loads(SHIPPED.read_text())
    spec["model"]["merges"].pop()
    stranger = Tokenizer.from_rust(tokenizers.Tokenizer.from_str(json.dumps(spec)), ["<|end|>"])
    one, two = engine(family()), engine(stranger)
    bench.given = {"one": one, "two": two}
    with Run(bench.run(SCENARIO).path) as run:
        assert handoffs(run) == [("one", "two", "text"), ("two", "one", "text")]
        second = run.hops(0)[1]
    assert stranger.think is not None
    there = [*stranger.encode("So<tool> it is."), stranger.think.close, *stranger.encode("5")]
    assert read_by(bench.engines["two"].requests, two) == there
    assert second.recoded == len(there)


async def stopped_at_the_second(bench: Any) -> None:
    """A run that is stopped while the second model is about to write."""
    run = asyncio.create_task(bench.start(SCENARIO))
    while "two" not in bench.engines or not bench.engines["two"].requests:  # noqa: ASYNC110  nobody says when
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


def test_a_resumed_run_maps_what_the_file_holds(bench: Any) -> None:
    one, two = engine(family(*ONE)), engine(family(*TWO))
    bench.given = {"one": one, "two": engine(family(*TWO), seconds=60)}
    asyncio.run(stopped_at_the_second(bench))
    again = {"one": Recording(one), "two": Recording(two)}
    outcome = asyncio.run(resume(bench.folder / "out.relay", Options(), Silent(), again))
    assert (outcome.total, outcome.failed) == (1, 0)
    assert again["one"].requests == []
    assert read_by(again["two"].requests, two) == two.tokenizer.encode_template(SAID)


def test_what_a_reader_has_no_ids_for_is_left_out_and_said(bench: Any) -> None:
    """`▁` stands for a space there: that sign itself has no id."""
    spaced = metaspace(["<|end|>"], ["<|end|>"])
    bench.given = {"one": engine(family(), said="a▁b"), "two": engine(spaced, said="c")}
    with Run(bench.run(SCENARIO).path) as run:
        told = "two has no ids for some characters, which it did not read: 1 times"
        assert told in bench.watcher.notes
        assert told in run.meta["notes"]
    assert spaced.text_of(read_by(bench.engines["two"].requests, bench.given["two"])) == "ab"


def test_nobody_writes_an_id_that_ends_the_turn_of_another_with_the_same_tokenizer(bench: Any) -> None:
    bench.given = {"one": engine(family("<tool>")), "two": engine(family("<tool>", end="<tool>"), said="5")}
    outcome = bench.run(SCENARIO)
    with Run(outcome.path) as run:
        assert outcome.failed == 0
        assert run.hops(0)[0].segment.text == "So it is.</think>5"
        assert handoffs(run) == [("one", "two", "ids"), ("two", "one", "ids")]


def test_a_steer_that_a_vocabulary_cannot_spell_has_no_ids_and_each_reads_its_text(bench: Any) -> None:
    bench.given = {"one": engine(metaspace(["<|end|>"], ["<|end|>"]), said="5"), "two": engine(family(), said="5")}
    text = SCENARIO.replace("first: {write: one}", 'first: {insert: {text: "x▁y"}}\n        last: {write: one}')
    text = text.replace("second: end", "second: last, last: end").replace("answer: [first, second]", "answer: last")
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert outcome.failed == 0
        steer = run.hops(0)[0].segment
        assert (steer.text, steer.ids, steer.tokenizer) == ("x▁y", (), "")
    two = bench.given["two"]
    assert two.tokenizer.text_of(read_by(bench.engines["two"].requests, two)) == "x▁y"


def few() -> Tokenizer:
    """A vocabulary of small letters."""
    tok = tokenizers.Tokenizer(models.WordLevel({c: i for i, c in enumerate("?abc ")}, unk_token="?"))
    tok.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tok.add_special_tokens(["<|end|>"])
    return Tokenizer.from_rust(tok, ["<|end|>"])


def test_who_cannot_read_the_other_is_refused_before_the_run_and_nothing_is_left(bench: Any) -> None:
    bench.given = {"one": engine(family()), "two": engine(few())}
    with pytest.raises(UserError, match="models 'one' and 'two': 'two' cannot read what 'one' writes"):
        bench.run(SCENARIO)
    assert not [*bench.folder.glob("out*")]


def test_who_only_writes_need_not_read(bench: Any) -> None:
    """A model that is taken from the pool writes nothing now: what it cannot read does no harm."""
    bench.given = {"one": engine(few()), "two": engine(family())}
    alone = SCENARIO.replace("first: {write: one}", "first: {insert: {pool: one, of: this problem}}").replace(
        "answer: [first, second]", "answer: second"
    )
    outcome = bench.run(alone.replace("problems:", "pool: {samples: 1}\n    verify: math\n    problems:"))
    with Run(outcome.path) as run:
        assert handoffs(run) == [("one", "two", "text")]
