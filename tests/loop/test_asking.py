"""The verb `ask`: a person writes the segment or chooses a label; where nobody does, what the scenario says holds."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from relay.errors import UserError
from relay.language.reading import read
from relay.store.opening import opened
from relay.store.reader import Run
from tests.loop.test_taking_part import Person, act, thought

ASK = """
    relay: 1
    models:
      a: {engine: scripted, says: ["One. ", "Two.</think>The answer is {answer}."]}
    problems: {from: sums, limit: 1}
    graph:
      start: think
      answer: think
      nodes:
        think: {write: a, until: {sentences: 1}}
        check: {ask: "Is it right?", labels: {good: 1, bad: 0}, wait: 50}
        hint: {ask: "What next?", wait: 50}
      edges:
        think: [{when: answered, to: end}, check]
        check: [{when: {label: check, equals: bad}, to: hint}, think]
        hint: think
"""


async def _answers(person: Person) -> None:
    person.gate.open.set()
    await person.until(lambda run: run.query("SELECT node, tail FROM live") == [("check", "Is it right?")])
    assert "one of good, bad" in (await person.asks("answer", node="check", visit=1, label="maybe")).refused
    assert not (await person.asks("answer", node="check", visit=1, label="bad")).refused
    await person.until(lambda run: run.query("SELECT node FROM live") == [("hint",)])
    assert "closed by the node" in (await person.asks("answer", node="hint", visit=1, text="</think>")).refused
    assert not (await person.asks("answer", node="hint", visit=1, text="Add them. ")).refused


def test_a_person_chooses_a_label_and_writes_a_segment(bench: Any) -> None:
    path, gate = act(bench, _answers, ASK)
    with Run(path) as run:
        check, hint = run.hops(0)[1:3]
        assert check.extra is not None
        assert (check.extra.label, check.extra.score, check.segment, check.to) == ("bad", 1 - 1, None, "hint")
        assert hint.segment is not None
        assert (hint.segment.text, hint.segment.model, hint.segment.author) == ("Add them. ", "human", "hint")
        assert [h.source.split()[0] for h in (check, hint)] == ["answer", "answer"]
        first = run.hops(0)[0].segment
        assert first is not None
    assert list(gate.requests[1].prompt) == [*gate.requests[0].prompt, *first.ids, *hint.segment.ids]


def test_answers_are_played_again(bench: Any) -> None:
    import asyncio

    from relay.replay.whole import differences, lay_out
    from relay.session import Options, resume

    path, _ = act(bench, _answers, ASK)
    out = bench.folder / "again.relay"
    lay_out(path, out)
    asyncio.run(resume(out, Options(pool=bench.folder / "pool.sqlite"), bench.watcher))
    with Run(path) as was, Run(out) as now:
        assert list(differences(was, now)) == []


def without(label: str, text: str) -> str:
    text_ = ASK.replace("wait: 50", "wait: 0")
    text_ = text_.replace("labels: {good: 1, bad: 0}", f"labels: {{good: 1, bad: 0}}{label}")
    return text_.replace('ask: "What next?"', f'ask: "What next?"{text}')


@pytest.mark.parametrize(
    ("label", "text", "said"),
    [
        ("", "", "One.Two."),
        (", otherwise: bad", "", "One.Two."),
        (", otherwise: bad", ', otherwise: "Add. "', "One.Add. Two."),
        (", otherwise: good", ', otherwise: "Add. "', "One.Two."),
    ],
)
def test_where_nobody_answers_in_time_what_is_said_otherwise_holds(
    bench: Any, label: str, text: str, said: str
) -> None:
    outcome = bench.run(without(label, text))
    assert thought(outcome.path).startswith(said)
    with opened(outcome.path) as run:
        assert run.hops(0)[1].source == "nobody answered within 0 s"


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("labels: {good: 1, bad: 0}", "labels: {good: 1, bad: 0}, otherwise: no", "'no' is none of the labels"),
        ('ask: "What next?"', 'ask: "What next?", otherwise: "</THINK>"', "a person's text closes no thinking"),
        ('ask: "What next?"', 'ask: "What next?", labels: [one]', "labels"),
        ('ask: "What next?", wait: 50', 'ask: "What next?", wait: -1', "wait"),
        ("{label: check, equals: bad}", "{label: hint, equals: bad}", "'hint' judges nothing"),
        ("{label: check, equals: bad}", "{label: check, equals: bda}", "'bda' is none of the labels of 'check'"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, was: str, now: str, words: str) -> None:
    path = tmp_path / "s.yaml"
    assert was in ASK
    path.write_text(dedent(ASK.replace(was, now)))
    with pytest.raises(UserError) as caught:
        read(str(path), {})
    assert words in str(caught.value)


def test_a_judge_s_question_is_no_verb(tmp_path: Path) -> None:
    path, was = tmp_path / "s.yaml", 'check: {ask: "Is it right?", labels: {good: 1, bad: 0}, wait: 50}'
    assert was in ASK
    for now in ("ask: Is it, judge: a", "judge: a, ask: Is it"):
        path.write_text(dedent(ASK.replace(was, f"check: {{{now}, labels: {{good: 1, bad: 0}}}}")))
        assert type(read(str(path), {}).cells[0].scenario.graph.nodes["check"]).__name__ == "Judge"


def test_a_forecast_asks_nobody(bench: Any) -> None:
    outcome = bench.run(ASK.replace("wait: 50", "wait: 3600"), alone=True)
    with opened(outcome.path) as run:
        assert run.hops(0)[1].source == "nobody is there"
    assert not any("asks a person" in note for note in bench.watcher.notes)
