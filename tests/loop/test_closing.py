"""`until: closing`: a visit ends where the thinking would be closed, and it stays open."""

from typing import Any

import pytest

from relay.errors import UserError
from relay.language.reading import read
from relay.store.reader import Run

WAIT = """
    relay: 1
    models:
      m: {engine: scripted, says: ["It is 16.</think>It is 16.", " No.</think>{answer}"]}
    problems: {from: sums, limit: 1}
    graph:
      start: think
      answer: finish
      nodes:
        think: {write: m, until: [closing, {tokens: 50}]}
        finish: {write: m}
      edges:
        think: [{when: {stopped: closing}, to: finish}, refuse]
        finish: end
"""


def test_what_closes_the_thinking_is_taken_back_and_paid_for(bench: Any) -> None:
    outcome = bench.run(WAIT)
    with Run(outcome.path) as run:
        think, finish = run.hops(0)
    assert think.segment is not None
    assert (think.segment.text, think.segment.stop, think.segment.closed) == ("It is 16.", "closing", -1)
    assert (think.usage.decoded, think.usage.thrown) == (len(think.segment.ids), 1)
    assert finish.segment is not None
    assert finish.segment.text.startswith("It is 16.</think>"), "the first visit of that node"


def test_elsewhere_it_is_not_even_tried(bench: Any) -> None:
    outcome = bench.run(WAIT.replace("closing, ", "").replace("stopped: closing", "stopped: turn"))
    close = bench.engines["m"].tokenizer.think.close
    assert [close in r.banned for r in bench.engines["m"].requests] == [True, False]
    with Run(outcome.path) as run:
        think = run.hops(0)[0].segment
    assert think is not None
    assert (think.text, think.stop) == ("It is 16.It is 16.", "turn")


def test_spelled_in_letters_it_ends_the_visit_too(bench: Any) -> None:
    outcome = bench.run(WAIT.replace("It is 16.</think>", "It is 16.< / THINK >"))
    with Run(outcome.path) as run:
        think = run.hops(0)[0].segment
    assert think is not None
    assert (think.text, think.stop) == ("It is 16.", "closing")


def test_a_node_that_may_answer_cannot_end_by_it(bench: Any) -> None:
    with pytest.raises(UserError, match="'think' may answer, so its closing is no end"):
        read(str(bench.write(WAIT.replace("answer: finish", "answer: [think, finish]"))))
