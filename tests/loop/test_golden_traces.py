"""Rollouts of scripted models, hop by hop, as computed by hand."""

from pathlib import Path
from typing import Any

import pytest

from relay import batch
from relay.store.reader import Run

TURNS = """
    relay: 1
    models:
      a: {engine: scripted, says: ["We add. The sum is {answer}. ", "Then it is {answer}.</think>\\\\boxed{{answer}}"]}
      b: {engine: scripted, says: ["Wait. Let me see. Ok. "]}
    problems: {from: sums, limit: 2}
    graph:
      start: first
      answer: first
      nodes:
        first: {write: a, until: {sentences: 1}}
        second: {write: b, until: {sentences: 2}}
      edges:
        first: [{when: answered, to: end}, {to: second}]
        second: first
"""


def trace(path: Path, number: int = 0) -> list[tuple[Any, ...]]:
    with Run(path) as run:
        return [
            (h.node, h.visit, h.segment.text if h.segment else None, h.segment.stop if h.segment else None, h.to)
            for h in run.hops(number)
        ]


def test_two_models_take_turns_until_one_answers(bench: Any) -> None:
    outcome = bench.run(TURNS)
    assert trace(outcome.path) == [
        ("first", 1, "We add.", "sentences", "second"),
        ("second", 1, "Wait. Let me see.", "sentences", "first"),
        ("first", 2, "Then it is 15.</think>\\boxed{15}", "turn", "end"),
    ]
    with Run(outcome.path) as run:
        assert [(r.state, r.outcome, r.found) for r in run.rollouts()] == [
            ("end", "correct", "15"),
            ("end", "correct", "14"),
        ]


def test_every_prompt_is_the_head_and_the_ids_of_the_path(bench: Any) -> None:
    outcome = bench.run(TURNS)
    with Run(outcome.path) as run:
        for number in (0, 1):
            hops = run.hops(number)
            question = run.problem_of(number).question
            for name, engine in bench.engines.items():
                head = engine.template.render(question).ids
                asked = [r for r in engine.requests if r.purpose.problem.id == run.rollout(number).problem]
                written = [h for h in hops if h.segment and h.segment.model == name]
                assert len(asked) == len(written)
                for request, hop in zip(asked, written, strict=True):
                    before = [i for h in hops[: hops.index(hop)] if h.segment for i in h.segment.ids]
                    assert request.prompt == [*head, *before]
                    assert hop.recoded == 0
                    assert engine.tokenizer.eos.isdisjoint(request.prompt)


def test_only_the_answering_node_may_close_the_thinking(bench: Any) -> None:
    outcome = bench.run(TURNS.replace('"Wait. Let me see. Ok. "', '"Done</think> < / THINK >4. "'))
    close = bench.engines["a"].tokenizer.think.close
    assert {r.banned for r in bench.engines["b"].requests} == {frozenset({close})}
    assert {r.banned for r in bench.engines["a"].requests} == {frozenset()}
    (_, _, text, stop, _) = trace(outcome.path)[1]
    assert (text, stop) == ("Done ", "closed_by_force")


def test_a_thinking_is_closed_once(bench: Any) -> None:
    """The pen is handed on in the middle of an answer: the next writer may answer too, and cannot close it again."""
    text = TURNS.replace('"Then it is {answer}.</think>\\\\boxed{{answer}}"', '"So.</think>One. Two."').replace(
        '"Wait. Let me see. Ok. "', '"Hm. </think>It is {answer}."'
    )
    text = text.replace("answer: first", "answer: [first, second]").replace("- {to: second}", "- second")
    outcome = bench.run(text + "\n    budget: {hops: 6}\n")
    close = bench.engines["b"].tokenizer.think.close
    with Run(outcome.path) as run:
        for number in (0, 1):
            segments = run.walk(number).pens["0"].trajectory.segments
            assert sum(segment.closed >= 0 for segment in segments) == 1
            assert sum(segment.ids.count(close) for segment in segments) == 1


BUDGETS = [
    ("{tokens: 20}", "budget tokens", 20),
    ("{hops: 4}", "budget hops", None),
    ("{seconds: 0.3}", "budget seconds", None),
]


@pytest.mark.parametrize(("budget", "state", "tokens"), BUDGETS)
def test_a_budget_ends_the_rollout_with_its_prefix_kept_and_graded(
    bench: Any, budget: str, state: str, tokens: int | None
) -> None:
    slow = "seconds: 0.05, " if "seconds" in budget else ""
    endless = TURNS.replace("engine: scripted, ", f"engine: scripted, {slow}").replace(
        '"Then it is {answer}.</think>\\\\boxed{{answer}}"', '"Again it is {answer}. "'
    )
    outcome = bench.run(f"{endless}\n    budget: {budget}\n")
    with Run(outcome.path) as run:
        for row in run.rollouts():
            assert (row.state, row.outcome, row.why) == (state, "wrong", "unfinished")
            walk = run.walk(row.id)
            assert walk.pens["0"].trajectory.text.startswith("We add.Wait.")
            if tokens is not None:
                assert walk.pens["0"].tokens == tokens


def test_a_deadline_in_the_middle_of_a_call_keeps_what_was_written(bench: Any) -> None:
    text = TURNS.replace('says: ["Wait', 'seconds: 30, says: ["Wait')
    outcome = bench.run(f"{text}\n    budget: {{seconds: 0.4}}\n")
    with Run(outcome.path) as run:
        for row in run.rollouts():
            assert row.state == "budget seconds"
            assert [h.node for h in run.hops(row.id)] == ["first", "second"]


def test_one_failing_rollout_never_stops_its_siblings(bench: Any) -> None:
    text = TURNS.replace(
        'b: {engine: scripted, says: ["Wait. Let me see. Ok. "]}',
        'b: {engine: scripted, says: {sum-0001: ["Wait. Ok. So. "]}}',
    )
    outcome = bench.run(text)
    assert outcome.failed == 1
    with Run(outcome.path) as run:
        states = {r.problem: (r.state, r.outcome, r.why) for r in run.rollouts()}
    assert states["sum-0000"] == ("failed", "", "the script has no text for problem 'sum-0000' and none for '*'")
    assert states["sum-0001"][:2] == ("end", "correct")


def test_a_context_that_is_full_ends_the_rollout(bench: Any) -> None:
    outcome = bench.run(TURNS.replace("a: {engine: scripted,", "a: {engine: scripted, context: 26,"))
    with Run(outcome.path) as run:
        assert {r.state for r in run.rollouts()} == {"context full"}


def test_what_was_said_after_the_cut_is_never_in_a_prompt(bench: Any) -> None:
    outcome = bench.run(TURNS)
    with Run(outcome.path) as run:
        assert sum(h.usage.thrown for h in run.hops(0)) > 0, "a sentence's end is known from the next token only"
    for engine in bench.engines.values():
        for request in engine.requests:
            assert "The sum is" not in engine.tokenizer.text_of(request.prompt)
            assert "Ok." not in engine.tokenizer.text_of(request.prompt)


def test_a_text_stop_keeps_its_text_and_leads_on(bench: Any) -> None:
    outcome = bench.run("""
        relay: 1
        models:
          large: {engine: scripted, says: ["First 40 + 2 = 57", " So it is.</think>42"]}
          small: {engine: scripted, says: [" 42. Then more"]}
        problems: {from: sums, limit: 1}
        graph:
          start: derive
          answer: derive
          nodes:
            derive: {write: large, until: [{text: "="}, {tokens: 256}]}
            finish: {write: small, until: [{sentences: 1}, {tokens: 48}]}
          edges:
            derive: [{when: {stopped: "="}, to: finish}, {when: answered, to: end}, {to: derive}]
            finish: derive
    """)
    assert trace(outcome.path) == [
        ("derive", 1, "First 40 + 2 =", "text", "finish"),
        ("finish", 1, " 42.", "sentences", "derive"),
        ("derive", 2, " So it is.</think>42", "turn", "end"),
    ]


def test_models_with_other_tokenizers_read_text_encoded_by_itself(bench: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers.decoders import ByteLevel

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    rust = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    rust.decoder = ByteLevel()
    rust.add_special_tokens(["<|end|>", "<think>", "</think>"])
    rust.save(str(tmp_path / "bytes.json"))
    outcome = bench.run(
        TURNS.replace("b: {engine: scripted,", f"b: {{engine: scripted, tokenizer: {tmp_path / 'bytes.json'},")
    )
    with Run(outcome.path) as run:
        first, second, third = run.hops(0)
        assert (first.recoded, second.recoded) == (0, len("We add."))
        assert third.segment is not None
        encode = bench.engines["a"].tokenizer.encode
        assert third.recoded == len(encode("Wait. Let me see."))
        assert run.rollout(0).outcome == "correct"


def test_nobody_watches_a_run_but_who_steps_a_rollout_does(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(TURNS)
    assert not any(r.watched or r.urgent for engine in bench.engines.values() for r in engine.requests)
    stepped = batch.rollout
    monkeypatch.setattr(batch, "rollout", lambda walk, stage: stepped(walk, stage._replace(ticks=None)))
    bench.run(TURNS, out="stepped.relay")
    assert all(r.watched for engine in bench.engines.values() for r in engine.requests)


USED = """
    relay: 1
    models:
      a: {engine: scripted, says: ["One. ", "Two. ", "So </think>{answer}"]}
      b: {engine: scripted, says: "Better. "}
      j: {engine: scripted, thinking: false, says: [good, bad, good]}
    problems: {from: sums, limit: 1}
    graphs:
      checked:
        start: draft
        answer: draft
        nodes:
          draft: {write: "{writer}", until: [{sentences: 1}, answered]}
          check: {judge: j, ask: " Good? ", labels: [good, bad]}
          again: {use: rewrite, with: {who: "{better}"}}
        edges:
          draft: [{when: answered, to: end}, check]
          check: [{when: {label: check, equals: bad}, to: again, drop: draft}, end]
          again: end
      rewrite: {start: w, nodes: {w: {write: "{who}", until: {sentences: 1}}}, edges: {w: end}}
    graph:
      start: step
      answer: step
      nodes: {step: {use: checked, with: {writer: a, better: b}}}
      edges: {step: [{when: answered, to: end}, {when: {visits: step, over: 9}, to: end}, step]}
"""


def test_graphs_in_use_are_walked_under_their_names(bench: Any) -> None:
    outcome = bench.run(USED)
    assert [(node, visit, to) for node, visit, _, _, to in trace(outcome.path)] == [
        ("step.draft", 1, "step.check"),
        ("step.check", 1, "step"),
        ("step", 1, "step.draft"),
        ("step.draft", 2, "step.check"),
        ("step.check", 2, "step.again.w"),
        ("step.again.w", 1, "step.again"),
        ("step.again", 1, "step"),
        ("step", 2, "step.draft"),
        ("step.draft", 3, "step"),
        ("step", 3, "end"),
    ]
    with Run(outcome.path) as run:
        assert run.walk(0).pens["0"].trajectory.text == "One.Better.So </think>15"
        assert run.rollout(0).outcome == "correct"
        assert "graphs" not in run.meta["scenario"], "a resumed run needs no other file"
