"""Judges: what they are asked, what is made of their word, and what is cut away, as computed by hand."""

from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.store.reader import Run

DRAFTS = """
    relay: 1
    models:
      small: {engine: scripted, says: ["A bad step. ", "A good step. ", "Then a good one. "]}
      large: {engine: scripted, says: ["0", "7", "9"]}
      main: {engine: scripted, says: ["Rewritten. ", "Done.</think>\\\\boxed{{answer}}"]}
    problems: {from: sums, limit: 2}
    graph:
      start: draft
      answer: derive
      nodes:
        draft: {write: small, until: {sentences: 1}}
        check: {judge: large, ask: " Score from 0 to 9: ", labels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
        derive: {write: main, until: [{sentences: 1}, answered]}
      edges:
        draft: check
        check:
          - {when: {score: check, under: 7}, to: derive, drop: draft}
          - {when: {visits: draft, at_least: 3}, to: derive}
          - {to: draft}
        derive: [{when: answered, to: end}, draft]
"""


def texts(path: Path, number: int = 0) -> list[tuple[Any, ...]]:
    with Run(path) as run:
        return [
            (h.node, h.segment.text if h.segment else None, h.extra and (h.extra.label, h.extra.score), h.to)
            for h in run.hops(number)
        ]


def test_a_step_that_a_judge_rejects_is_cut_away_and_written_anew(bench: Any) -> None:
    outcome = bench.run(DRAFTS)
    assert texts(outcome.path) == [
        ("draft", "A bad step.", None, "check"),
        ("check", "0", ("0", 0.0), "derive"),
        ("derive", "Rewritten.", None, "draft"),
        ("draft", "A good step.", None, "check"),
        ("check", "7", ("7", 7.0), "draft"),
        ("draft", "Then a good one.", None, "check"),
        ("check", "9", ("9", 9.0), "derive"),
        ("derive", "Done.</think>\\boxed{15}", None, "end"),
    ]
    with Run(outcome.path) as run:
        walk = run.walk(0)
        text = "Rewritten.A good step.Then a good one.Done.</think>\\boxed{15}"
        assert walk.pens["0"].trajectory.text == text
        assert {r.outcome for r in run.rollouts()} == {"correct"}
        spent = sum(h.usage.decoded + h.usage.thrown for h in run.hops(0))
        assert walk.pens["0"].tokens == spent, "what was cut away and what the judge said was paid for"


def test_the_judge_reads_the_thought_and_its_question_and_nobody_reads_the_judge(bench: Any) -> None:
    outcome = bench.run(DRAFTS)
    judge, asked = bench.engines["large"], " Score from 0 to 9: "
    tokenizer = judge.tokenizer
    read = [tokenizer.text_of(r.prompt) for r in judge.requests if r.purpose.problem.id == "sum-0000"]
    with Run(outcome.path) as run:
        head = judge.template.render(run.problem_of(0).question)
    assert [text.removeprefix(tokenizer.text_of(head.ids)) for text in read] == [
        f"A bad step.{asked}",
        f"Rewritten.A good step.{asked}",
        f"Rewritten.A good step.Then a good one.{asked}",
    ]
    for name in ("small", "main"):
        for request in bench.engines[name].requests:
            text = tokenizer.text_of(request.prompt)
            assert "Score" not in text
            assert "bad" not in text
    assert all(r.urgent and r.sampling.temperature == 0 for r in judge.requests)


def test_a_judge_may_put_its_word_into_the_thought(bench: Any) -> None:
    outcome = bench.run(DRAFTS.replace("labels: [0", "place: thought, labels: [0").replace(", drop: draft", ""))
    with Run(outcome.path) as run:
        text = run.walk(0).pens["0"].trajectory.text
    assert text.startswith("A bad step. Score from 0 to 9: 0Rewritten.A good step. Score from 0 to 9: 7Then")
    for engine in bench.engines.values():
        for request in engine.requests:
            assert engine.tokenizer.eos.isdisjoint(request.prompt)


@pytest.mark.parametrize(
    ("says", "labels", "word"),
    [
        ("10 of 10", "[1, 10]", ("10", 10.0)),
        ("  good enough", "{good: 1, bad: 0}", ("good", 1.0)),
        ("no idea", "[good, bad]", ("", None)),
        ("bad", "[good, bad]", ("bad", None)),
    ],
)
def test_the_label_is_what_its_word_begins_with(bench: Any, says: str, labels: str, word: tuple[Any, ...]) -> None:
    text = DRAFTS.replace('says: ["0", "7", "9"]', f'says: ["{says}"]')
    bench.run(text.replace("labels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", f"labels: {labels}"))
    with Run(bench.folder / "out.relay") as run:
        said = next(h.extra for h in run.hops(0) if h.node == "check")
        assert said is not None
        assert (said.label, said.score) == word


def test_one_that_may_think_first_says_its_label_last(bench: Any) -> None:
    text = DRAFTS.replace('says: ["0", "7", "9"]', 'says: ["It says good, but that is bad"]')
    bench.run(text.replace("labels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", "tokens: 40, labels: [good, bad]"))
    with Run(bench.folder / "out.relay") as run:
        said = next(h.extra for h in run.hops(0) if h.node == "check")
        assert said is not None
        assert said.label == "bad"


def test_a_label_and_a_rule_lead_on(bench: Any) -> None:
    asked = '{judge: large, ask: " Score from 0 to 9: ", labels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}'
    text = DRAFTS.replace(asked, "{judge: {rule: {contains: bad}}}")
    text = text.replace("{score: check, under: 7}", "{label: check, equals: yes}")
    with pytest.raises(UserError, match="'good' is none of the labels of 'check'"):
        bench.run(text.replace("equals: yes", "equals: good"), out="never.relay")
    outcome = bench.run(text)
    assert [word for node, _, word, _ in texts(outcome.path) if node == "check"] == [
        ("yes", 1.0),
        ("no", 0.0),
        ("no", 0.0),
    ]


def test_a_cut_takes_back_what_was_answered(bench: Any) -> None:
    """A drop in the answer opens the turn again: the next writer may close the thinking once more."""
    text = """
    relay: 1
    models:
      a: {engine: scripted, says: ["So </think>\\\\boxed{1}", "Then </think>\\\\boxed{{answer}}"]}
    problems: {from: sums, limit: 1}
    graph:
      start: try
      answer: try
      nodes:
        try: {write: a}
        sure: {judge: {rule: {contains: So}}}
      edges:
        try: sure
        sure: [{when: {score: sure, equals: 1}, to: try, drop: try}, {when: answered, to: end}, refuse]
    """
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert [(r.state, r.outcome, r.found) for r in run.rollouts()] == [("end", "correct", "15")]
        assert run.walk(0).pens["0"].trajectory.text == "Then </think>\\boxed{15}"


def test_turns_are_taken_visit_by_visit_in_an_order_by_seed(bench: Any) -> None:
    text = """
    relay: 1
    models:
      a: {engine: scripted, says: "I am a. "}
      b: {engine: scripted, says: "I am b. "}
      c: {engine: scripted, says: "I am c. "}
    problems: {from: sums, limit: 12}
    verify: none
    graph:
      start: ring
      answer: ring
      nodes: {ring: {write: [a, b, c], order: as written, until: {sentences: 1}}}
      edges: {ring: [{when: {visits: ring, under: 6}, to: ring}, end]}
    """
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert [[h.segment.model for h in run.hops(i) if h.segment] for i in range(12)] == [list("abcabc")] * 12
    outcome = bench.run(text.replace("as written", "by seed"), out="seeded.relay")
    with Run(outcome.path) as run:
        orders = ["".join(h.segment.model for h in run.hops(i) if h.segment) for i in range(12)]
    assert all(order[:3] == order[3:] and sorted(order[:3]) == list("abc") for order in orders)
    assert len(set(orders)) > 2


UNSURE = """
    relay: 1
    models:
      small:
        {engine: scripted, says: ["Easy. ", "Hard. ", "Easier. ", "It is </think>{answer}."], entropy: [0.1, 3, 0.2]}
      large: {engine: scripted, says: "The large one writes. "}
    problems: {from: sums, limit: 1}
    graph:
      start: step
      answer: step
      nodes:
        step: {write: small, until: [{sentences: 1}, answered]}
        hard: {write: large, until: {sentences: 1}}
      edges:
        step:
          - {when: answered, to: end}
          - {when: {entropy: segment, over: 2.5}, to: hard, drop: step}
          - step
        hard: step
"""


def test_who_is_unsure_of_a_step_leaves_it_to_another(bench: Any) -> None:
    outcome = bench.run(UNSURE)
    with Run(outcome.path) as run:
        assert run.walk(0).pens["0"].trajectory.text == "Easy.The large one writes.Easier.It is </think>15."
        assert [h.extra.entropy for h in run.hops(0) if h.node == "step" and h.extra] == [0.1, 3.0, 0.2, 0.2]
        assert [r.outcome for r in run.rollouts()] == ["correct"]


def test_one_that_cannot_say_how_unsure_it_is_fails_and_says_so(bench: Any) -> None:
    outcome = bench.run(UNSURE.replace(", entropy: [0.1, 3, 0.2]", ""))
    with Run(outcome.path) as run:
        assert [(r.state, r.why) for r in run.rollouts()] == [
            ("failed", "small cannot say how unsure it is: no edge can go by its entropy")
        ]


CIRCLE = """
    relay: 1
    models:
      a: {engine: scripted, says: ["We add.", " Hm, no.", " We add.", " Hm, no."]}
      b: {engine: scripted, says: "I see.</think>It is {answer}."}
    problems: {from: sums, limit: 1}
    graph:
      start: think
      answer: help
      nodes:
        think: {write: a, until: {sentences: 1}}
        help: {write: b}
      edges:
        think: [{when: {repeated: {sentences: 2}, in: thought}, to: help}, think]
        help: end
"""


def test_a_model_that_goes_in_a_circle_hands_over(bench: Any) -> None:
    outcome = bench.run(CIRCLE)
    with Run(outcome.path) as run:
        assert [(h.node, h.to) for h in run.hops(0)] == [
            ("think", "think"), ("think", "think"), ("think", "think"), ("think", "help"), ("help", "end"),
        ]  # fmt: skip
        assert run.rollout(0).outcome == "correct"
