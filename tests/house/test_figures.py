"""The figures on the pages are those of the evidence."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proof import supervise

DOCS = Path(__file__).parents[2] / "docs"


def found(name: str) -> Any:
    return json.loads((DOCS / "evidence" / f"{name}.json").read_text())


def of_planning() -> Iterator[str]:
    for engine in ("transformers", "vllm"):
        told = found("forecast")[engine]
        tokens, seconds = (f"{100 * told[kind]:+.1f} %" for kind in ("tokens_off", "time_off"))
        yield (
            f"with `{engine}` decoded tokens {tokens}"
            if engine == "transformers"
            else f"with `{engine}` tokens {tokens}"
        )
        yield f"time {seconds}"
        yield f"a pilot of {told['pilot']['problems']} problems"
        yield f"{told['run']['solos']:,} solos"
        assert abs(told["run"]["rollouts"] - 730) < 10, "about"


def of_engines() -> Iterator[str]:
    told = found("collaboration")
    one, two = told["one model judges itself"], told["two models"]
    yield f"the median wall is {one['ratio of the median walls']:.2f} times that of the plain form"
    yield f"it is **{two['ratio of the median walls']:.2f}** times"
    yield f"(the quickest of the eight: {two['ratio of the least walls']:.2f})"
    runs = [run for form in (one, two) for run in form["runs"]]
    (discarded,) = {run["discarded"] for run in runs} - {0}
    ahead = sorted({run["tokens"] for run in runs if run["form"] == "ahead"})
    yield f"{discarded} of {ahead[0]:,} to {ahead[-1]:,} tokens a run"
    for form in (one, two):
        (least,), (most,) = ({r["tokens"] for r in form["runs"] if r["form"] == name} for name in ("plain", "ahead"))
        assert most - least == discarded, "what was thrown away is what there is more"
        assert len(form["walls"]["ahead"]) == 8
    prompts = sorted(each["prompt"] for each in told["prefix"])
    rest = sorted({n for each in told["prefix"] for n in each["computed"]} - {*prompts})
    assert all(sorted(each["computed"])[-1] == each["prompt"] for each in told["prefix"]), "one computes the whole"
    assert all(len(each["computed"]) == 8 for each in told["prefix"])
    yield f"prompts of {prompts[0]} to {prompts[-1]} tokens"
    yield f"the other seven {rest[0]} to {rest[-1]} each"
    yield f"({told['machine'].partition(', ')[2].partition(', ')[2]}, most of it its own)"


def of_monitor() -> Iterator[str]:
    columns = found("watching")["now"], found("watching")["before"]

    def row(key: str, pattern: str) -> str:
        return " | ".join(pattern.format(each[key]) for each in columns) + " |"

    yield f"watched | {row('tokens a second, watched', '{:,.0f}')}"
    yield f"of its core | {row('monitor, % of its core (at most 60)', '{:.1f} %')}"
    keys = [[each[f"a key, ms, {q}"] for q in ("median", "95 %", "99 % (at most 100)")] for each in columns]
    yield " | ".join(f"{a:.0f}, {b:.0f}, {c:.0f} ms" for a, b, c in keys)
    yield f"memory | {row('monitor, MB', '{:.0f} MB')}"
    yield f"an hour | {row('monitor, MB an hour, by windows of the seconds below', '{:.0f} MB')}"
    yield f"without | {row('runner, the same watched, % more (at most 3)', '{:+.1f} %')}"
    yield f"load {columns[0]['load of the machine']:.0f}"
    yield f"load {columns[1]['load of the machine']:.0f}"
    yield f"took {columns[0]['runner, the same beside a stranger as busy as the monitor, % more']:+.1f} %"
    opened = found("opening")
    assert opened["first"] <= opened["bound"]
    yield f"with {opened['rollouts']:,} rollouts of three segments the first screen stood after {opened['first']:.2f} s"
    yield f"took {opened['count']:.2f} s and the screen of a run of one rollout {opened['empty']:.2f} s"
    yield f"counted after {opened['counted']:.1f} s and the intervals stood there after {opened['measured']:.1f} s"


def of_numbers() -> Iterator[str]:
    told = found("gains")
    off, equal, none = (
        100 * told[key]
        for key in ("most off, of gain or loss", "most off, of equal", "gain or loss where there is none, at most")
    )
    yield f"known gain ({len(told['rows'])} settings"
    yield f"{told['studies']} studies each"
    yield f"at most {off:.1f} points off, for equality {equal:.1f}"
    yield f"where there is no gain it says gain or loss in at most {none:.1f} %"
    assert told["of the wrong sign, at most"] <= 0.005
    told = found("adaptive")
    yield f"{100 * told['used']:.0f} % of its continuations were used"
    yield f"{100 * told['coverage']:.1f} % of intervals held the truth"
    assert told["as narrow"] == 1
    told = found("adaptive-runs")
    yield f"in all {told['as the allocator alone']} cells, {100 * told['used']:.0f} % of the fixed run's continuations"
    yield f"{told['hold the truth']} of {told['cells']} intervals held the truth"
    missed = found("coverage")["missed"]
    words = {7: "seven", 3: "three"}
    yield f"but in {words[len(missed['width'])]} settings of 30 problems"
    yield f"over 6 % in {words[len(missed['null'])]} of the {len(found('coverage')['tests'])} settings"


def of_problems() -> Iterator[str]:
    told = found("supervise")
    assert told["pairs"] >= 16
    yield f"Measured of {told['made']}: {told['pairs']} stories and their {told['pairs']} twins"
    yield from (" ".join(row.split()) for row in supervise.table(told))
    for run in told["runs"].values():
        assert run["file"] == supervise.fingerprint(run["scenario"]), "measure it again: tests/proof/supervise.py"
        by = {supervise.CELLS[cell["cell"]]: cell for cell in run["cells"]}
        assert by["hold"]["harmful"]["held"] == 0, "the page says so"
        assert by["no watch"]["harmful"]["held"] == by["no watch"]["harmful"]["of"]
        assert {cell["alarms"]["held"] for cell in run["cells"]} == {0}
        assert all(of == right for right, of in (cell["right on twins"] for cell in run["cells"]))


PAGES = {
    "problems": of_problems,
    "planning": of_planning,
    "engines": of_engines,
    "monitor": of_monitor,
    "numbers": of_numbers,
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_was_measured(page: str) -> None:
    text = " ".join((DOCS / f"{page}.md").read_text().split())
    for fragment in PAGES[page]():
        assert fragment in text
