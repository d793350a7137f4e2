"""What recovery looks like in a run of a model whose ways are known: every figure as counted by hand."""

import asyncio
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from relay.cli import main
from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.language.reading import read
from relay.seam.templates import Template
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.looks import Seen, looks, seen
from relay.twin.page import page
from relay.twin.plan import Part
from tests.loop.conftest import Bench

SETS = {
    "models.main": "{engine: scripted, says: x}",
    "problems": "{from: chains, where: {difficulty: [4]}, limit: 24}",
    "sweep": "{over: {m: [0, 0.5], n: [0.4]}, also: [{without: steer}]}",
    "select": "{problems: {solved: main, at_least: 2/2}, limit: 16}",
    "pool.samples": "2",
}
BACK = " Hold on, this belongs elsewhere."  # one word of doubt


def steps(chain: str) -> list[str]:
    """The sentences of a thought about a chain, each with the space before it."""
    first, *rest = re.findall(r"[+-]? ?\d+", chain)
    value, found = int(first), []
    for each in rest:
        sign, number = each[0], int(each[1:])
        after = value + number if sign == "+" else value - number
        found.append(f" Here {value} {sign} {number} = {after}.")
        value = after
    return found


def chain_in(text: str) -> str:
    return re.findall(r"\d+(?: [+-] \d+)+(?=[.?])", text)[-1]


def way_of(question: str) -> int:
    return int(re.findall(r"\d+", question)[0]) % 4


def says(request: Request) -> str:
    """By its problem's first number: back at once, or after two sentences on the steer, anew or going on; or never."""
    problem = request.purpose.problem
    own = chain_in(problem.question)
    before, steer, after = shipped().text_of(request.prompt).partition("\nWait. Let me think\n")
    if not steer:
        return f"We look for {own}.{''.join(steps(own))}</think>{problem.answer}"
    opening = before.rpartition("<think>")[2]
    other = [step for step in steps(chain_in(after.partition(".")[0] + ".")) if step.strip() not in after]
    goes_on = [step for step in steps(own) if step.strip() not in opening]
    said = [
        goes_on, [*other[:2], BACK, f" We look for {own}.", *steps(own)], [*other[:2], BACK, *goes_on], other
    ][way_of(problem.question)]  # fmt: skip
    return f"{''.join(said)}</think>{problem.answer if said is not other else 0}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    bench, tokenizer = Bench(folder), shipped()
    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": "known ways"})}
    asyncio.run(bench.start_canned("recoverability", SETS))
    return folder / "out.relay"


def behind(run: Run, row: Seen) -> str:
    segment = run.hops(row.rollout)[-1].segment
    assert segment is not None
    return segment.text.partition("</think>")[0]


def test_every_rollout_is_read_as_it_was_made(path: Path) -> None:
    with Run(path) as run:
        rows = list(seen(run))
        questions = {p.id: p.question for p in run.problems}
        assert len(rows) == 32
        for row in rows:
            made = way_of(questions[row.problem])
            kept = not row.cell.startswith("m=0 ")
            assert row.kind == ("ignored", "restart", "resume" if kept else "restart", "never")[made]
            assert row.way == (None if made == 3 else "resume" if kept and made != 1 else "restart")
            assert row.doubts == (1 if made in (1, 2) else 0)
            text, tokenizer = behind(run, row), shipped()
            assert row.tokens == pytest.approx(len(tokenizer.encode(text)), abs=4)
            if made in (1, 2):
                assert row.back is not None
                assert row.back == pytest.approx(len(tokenizer.encode(text.partition(BACK)[0])), abs=4)
                assert row.sentence == 2
            else:
                assert row.back == (0 if made == 0 else None)
        assert {way_of(questions[row.problem]) for row in rows} == {0, 1, 2, 3}


def test_cells_count_them(path: Path) -> None:
    with Run(path) as run:
        rows = list(seen(run))
        found = looks(rows, run.cells)
        assert [each.cell for each in found] == run.cells[:2], "the cell without the steer has nothing to be read"
        for each in found:
            mine = [row for row in rows if row.cell == each.cell]
            assert sum(each.kinds.values()) == each.rollouts == len(mine) == 16
            assert each.kinds == {kind: Counter(row.kind for row in mine)[kind] for kind in each.kinds}
            assert each.correct == {kind: 0 if kind == "never" else each.kinds[kind] for kind in each.kinds}
            assert each.doubts == pytest.approx(100 * sum(row.doubts for row in mine) / sum(row.tokens for row in mine))
            assert each.overhead is not None
            assert each.overhead.low is not None
            assert each.overhead.problems == 16
        alone = {
            problem: tokens
            for problem, tokens in run.query(
                "SELECT p.key, sum(h.decoded) FROM rollout r JOIN problem p ON p.id = r.problem "
                "JOIN cell c ON c.id = r.cell JOIN hop h ON h.rollout = r.id "
                "WHERE c.name LIKE '% without steer' GROUP BY 1"
            )
        }
        for row in rows:
            own = [h.segment for h in run.hops(row.rollout) if h.segment is not None and h.node == "main"]
            assert row.length == sum(segment.tokens for segment in own)
            assert row.alone == alone[row.problem]


def test_the_report_prints_them(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["report", str(path), *words])
        assert end.value.code == 0
        return capsys.readouterr().out

    plain, told = said(), said("--looks")
    assert told.startswith(plain)
    with Run(path) as run:
        rows = list(seen(run))
        found = looks(rows, run.cells)
    told = told.partition("what recovery looks like")[2]
    for each in found:
        lines = [line for line in told.splitlines() if line.startswith(f" {each.cell}  ")]
        figures = [f"{100 * each.kinds[kind] / 16:.1f}" for kind in each.kinds]
        assert lines[0].split()[2:7] == ["16", *figures]
        assert f"100.0 of {each.kinds['ignored']}" in lines[1]
    lines = [json.loads(line) for line in said("--looks", "--json").splitlines()]
    cells = [line for line in lines if line.get("looks")]
    assert [line["kinds"] for line in cells] == [each.kinds for each in found]
    assert [line["shares"]["never"] for line in cells] == [each.kinds["never"] / 16 for each in found]
    assert [line for line in lines if "sentence" in line] == [{"run": str(path), **row._asdict()} for row in rows]


def test_a_run_without_distractions_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(tmp_path)
    text = """
        relay: 1
        models: {a: {engine: scripted, says: "Well.</think>The answer is {answer}."}}
        problems: {from: sums, limit: 2}
        graph: {start: a1, answer: a1, nodes: {a1: {write: a}}, edges: {a1: end}}
    """
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert list(seen(run)) == []
    with pytest.raises(SystemExit) as end:
        main(["report", str(outcome.path), "--looks"])
    said = capsys.readouterr()
    assert end.value.code == 2
    assert said.out == ""
    assert "no reasoning about another problem was put in" in said.err


def test_the_card_has_them(path: Path, tmp_path: Path) -> None:
    part = Part("recoverability", "known", "", read("recoverability", SETS))
    shutil.copy(path, tmp_path / part.file)
    made: dict[str, Any] = card("known", [part], tmp_path)
    (test,) = made["tests"]
    with Run(path) as run:
        found = looks(list(seen(run)), run.cells)
    assert [each["kinds"] for each in test["looks"]] == [each.kinds for each in found]
    assert json.loads(json.dumps(made)) == made
    first = found[0]
    figures = " | ".join(f"{100 * count / 16:.1f}" for count in first.kinds.values())
    assert f"| {first.cell} | {figures} |" in page(made)
