"""The twin tests on problems whose answers are programs: real rows, models of known behaviour, tables as by hand."""

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import UserError
from relay.measure.scores import scores
from relay.seam.templates import Template
from relay.spoilers import find_spoilers
from relay.store.reader import Run
from relay.verifiers import sandbox
from tests.loop.test_numbers import queries

OWN = "Step {k} of {id} goes on."
KINDS = ["humaneval", "cruxeval-output", "cruxeval-input"]
FILES = {"humaneval": "humaneval-100", "cruxeval-output": "cruxeval-100", "cruxeval-input": "cruxeval-100"}


def rows(shared: Path, folder: Path, kind: str, number: int = 24) -> str:
    """Real rows in a file of the hub's columns; what `problems` says."""
    with gzip.open(shared / "problems" / f"{FILES[kind]}.jsonl.gz", "rt") as lines:
        found = [json.loads(line) for line in lines][:number]
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps({**row, "task_id": row["id"]}) for row in found))
    return json.dumps({"from": kind, "path": str(path), "limit": 12})


def answer(request: Request, right: bool) -> str:
    """The reference in the form that the question asks for, or something near it."""
    problem = request.purpose.problem
    if problem.extra["form"] == "function":
        name = problem.extra["entry_point"]
        program = problem.answer if right else f"{problem.answer}\n{name} = lambda *given: 'nothing'"
        return f"Here it is:\n\n```python\n{program}\n```"
    return f"The answer is `{problem.answer if right else '[0, 0, 17, 0]'}`."


def model(recovers: Callable[[str], bool], solves: Callable[[Request], bool]) -> Scripted:
    tokenizer = shipped()

    def says(request: Request) -> str:
        if request.purpose.node == "(pool)":
            steps = " ".join(OWN.format(k=k, id=request.purpose.problem.id) for k in range(1, 6))
            return f"{steps}</think>{answer(request, solves(request))}"
        read = tokenizer.text_of(request.prompt).partition("<think>")[2]
        return f" So.</think>{answer(request, recovers(read))}"

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": str(id(recovers))})


def kept(read: str) -> int:
    return read.partition("\nWait.")[0].count("goes on.")


def even(request: Request) -> bool:
    return sum(map(ord, request.purpose.problem.id)) % 2 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_recoverability_of_a_known_model(kind: str, bench: Any, shared: Path, walls: sandbox.Sandbox) -> None:
    """It comes back where it still sees three sentences of its own, and is right alone."""
    bench.given = {"main": model(lambda read: "Wait. Let me" not in read or kept(read) >= 3, even)}
    sets = {
        "models.main": "{engine: scripted, says: x}", "problems": rows(shared, bench.folder, kind), "verify": "code",
        "select": "{problems: {solved: main, at_least: 8/8}, limit: 5}", "budget": "{tokens: 4096}",
    }  # fmt: skip
    outcome = asyncio.run(bench.start_canned("recoverability", sets))
    with Run(outcome.path) as run:
        assert [(s.correct, s.graded) for s in scores(run)] == [(0, 5), (0, 5), (0, 5), (5, 5), (5, 5), (5, 5)]
        assert run.verifier == "code within 10 s"
        assert run.meta["sandbox"] == walls.facts
        whys = {row[0] for row in run.query("SELECT why FROM verdict")}
    if kind == "humaneval":
        assert any("passes its tests: " in why for why in whys)
        assert any("gave 'nothing'" in why for why in whys)


@pytest.mark.parametrize("kind", KINDS)
def test_guidability_of_a_known_model(kind: str, bench: Any, shared: Path, walls: sandbox.Sandbox) -> None:
    """The guide solves half of the problems, the model none, and it uses a thought of which it sees three sentences."""
    bench.given = {
        "main": model(lambda read: kept(read) >= 3, lambda r: False),
        "guide": model(lambda read: True, even),
    }
    sets = {
        "models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: y}",
        "problems": rows(shared, bench.folder, kind), "verify": "code", "budget": "{tokens: 4096}",
        "select": "{problems: {solved: main, at_most: 1/8}}",
    }  # fmt: skip
    outcome = asyncio.run(bench.start_canned("guidability", sets))
    with Run(outcome.path) as run:
        found = {s.cell: (s.correct, s.graded, s.missing) for s in scores(run)}
        guided = sum(
            even(Request([], None, None, 0, frozenset(), type("P", (), {"problem": type("Q", (), {"id": key})})))  # type: ignore[arg-type]
            for (key,) in run.query("SELECT key FROM problem")
        )
    assert 3 < guided < 10
    assert found == {
        "n=0.2": (0, guided, 12 - guided),
        "n=0.4": (0, guided, 12 - guided),
        "n=0.6": (guided, guided, 12 - guided),
        "n=0.8": (guided, guided, 12 - guided),
        "n=0.2 without steer": (0, 12, 0),
    }


SAYING = {
    "states it": ("It is easy. The answer is `{answer}`, I think. It is so. Yes it is. Done.", 4),
    "states another": ("It is easy. The answer is `[0, 0, 17]`, I think. It is so. Yes it is. Done.", 0),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", SAYING)
def test_spoilers_are_found_by_running_what_a_steer_states(
    how: str, kind: str, bench: Any, shared: Path, walls: sandbox.Sandbox
) -> None:
    """A guide whose thought holds the answer, or another, in its first two of five sentences."""
    text, expected = SAYING[how]
    tokenizer = shipped()

    def guide(request: Request) -> str:
        stated = request.purpose.problem.answer if expected else "def nothing(): pass"
        if request.purpose.problem.extra["form"] == "function":
            return f"It is easy.\n```python\n{stated}\n```\nIt is so. Yes. Done.</think>{answer(request, True)}"
        return f"{text.format(answer=stated)}</think>{answer(request, True)}"

    bench.given = {
        "main": model(lambda read: False, lambda r: False),
        "guide": Scripted(tokenizer, Template(tokenizer, TEMPLATE), guide, facts={"how": how}),
    }
    sets = {
        "models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: y}",
        "problems": rows(shared, bench.folder, kind), "verify": "code", "budget": "{tokens: 4096}",
        "select": "{problems: {solved: main, at_most: 1/8}, limit: 4}",
        "sweep": "{over: {n: [0.95]}, also: [{without: steer}]}", "let.cut": "nearest",
    }  # fmt: skip
    outcome = asyncio.run(bench.start_canned("guidability", sets))
    for _ in range(2):  # the second time nothing is left to do
        asyncio.run(find_spoilers(outcome.path, bench.watcher))
    assert len(bench.watcher.notes) == 1
    with Run(outcome.path) as run:
        found = [(s.cell, s.graded, s.spoilers, s.looked_at) for s in scores(run)]
        query = queries()["spoilers"]
        assert run.query(query, cell="n=0.95", verifier=run.verifier) == [(expected,)]
    assert found == [("n=0.95", 4, expected, 4), ("n=0.95 without steer", 4, 0, 0)]


def test_programs_are_refused_by_a_verifier_of_numbers(bench: Any, shared: Path) -> None:
    sets = {"models.main": "{engine: scripted, says: x}", "problems": rows(shared, bench.folder, "humaneval")}
    with pytest.raises(UserError) as error:
        asyncio.run(bench.start_canned("recoverability", sets))
    assert str(error.value) == (
        "--set problems: 'math' cannot grade 12 of 12 problems (the first: 'HumanEval/0'): "
        "their answers are programs, or values of programs (verify: code)"
    )
    assert not list(bench.folder.glob("*.relay*"))


def test_without_a_sandbox_a_run_is_refused_before_anything_is_opened(
    bench: Any, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(bench.folder))
    sandbox.here.cache_clear()
    sets = {
        "models.main": "{engine: scripted, says: x}", "problems": rows(shared, bench.folder, "humaneval"),
        "verify": "code",
    }  # fmt: skip
    try:
        with pytest.raises(UserError) as error:
            asyncio.run(bench.start_canned("recoverability", sets))
    finally:
        sandbox.here.cache_clear()
    assert str(error.value) == (
        "the sandbox: bubblewrap (bwrap) is not installed (install it (Debian: apt-get install bubblewrap), or trust "
        "the models with this machine: --sandbox none)"
    )
    assert not list(bench.folder.glob("*.relay*"))


def test_told_so_it_runs_without_walls_and_the_file_says_it(bench: Any) -> None:
    scenario = """
        relay: 1
        models: {m: {engine: scripted, says: "Well.</think>```python\\ndef f(x): return x + 1\\n```"}}
        problems: rows.jsonl
        graph: {start: think, answer: think, nodes: {think: {write: m}}, edges: {think: end}}
        verify: code
    """
    row = {"question": "Add one.", "answer": "-", "kind": "code", "entry_point": "f", "tests": "assert f(1) == 2"}
    (bench.folder / "rows.jsonl").write_text(json.dumps(row))
    outcome = bench.run(scenario, sandbox=False)
    with Run(outcome.path) as run:
        assert [r.outcome for r in run.rollouts()] == ["correct"]
        assert run.meta["sandbox"] == "none: the programs of models run as you, on this machine"
