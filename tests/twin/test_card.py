"""The card of a model of known behaviour: every figure as computed by hand."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.language.reading import read
from relay.measure.intervals import korn_graubard, wilson
from relay.measure.paired import difference
from relay.measure.scores import scores
from relay.seam.templates import Template
from relay.spoilers import find_spoilers
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.page import page
from relay.twin.plan import Part
from tests.loop.conftest import Bench
from tests.loop.test_twin_scripted import RECOVERABILITY, kept, model


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """Of a model that returns from a steer when it still sees three sentences of its own; alone it is always right."""
    bench = Bench(tmp_path)
    bench.given = {"main": model(lambda read, request: kept(read) >= 3)}
    part = Part("recoverability", "known", "", read("recoverability", RECOVERABILITY))
    asyncio.run(bench.start_canned("recoverability", RECOVERABILITY, part.file))
    return card("known", [part], tmp_path)


def test_every_figure_is_as_by_hand(made: dict[str, Any]) -> None:
    (test,) = made["tests"]
    assert [cell["cell"] for cell in test["cells"]] == [f"m={m:g} n=0.2" for m in (0, 0.2, 0.4, 0.6, 0.8)]
    assert [cell["correct"] for cell in test["cells"]] == [0, 0, 0, 12, 12]
    assert (test["alone"]["correct"], test["alone"]["graded"]) == (12, 12)
    lost, kept_on = test["cells"][0], test["cells"][3]
    assert lost["interval"] == pytest.approx(wilson(0, 12)._asdict())
    by_hand = difference([((0, 1), (1, 1))] * 12)
    assert by_hand is not None
    assert lost["minus_alone"] == by_hand._asdict()
    assert lost["minus_alone"]["mean"] == -1
    assert kept_on["minus_alone"]["mean"] == 0
    assert test["steered"]["correct"] == 24
    assert test["steered"]["interval"] == korn_graubard([(2, 5)] * 12)._asdict()
    assert test["sampled"] == {"main": {"0/8": 24, "8/8": 24}}


def test_the_page_says_the_same(made: dict[str, Any]) -> None:
    said = page(made)
    assert "| alone | 100.0 | 75.8 to 100.0 | 12 | – | – |" in said
    assert "| m=0 n=0.2 | 0.0 | 0.0 to 24.2 | 12 | -100.0 |" in said
    assert "12 problems" in said


def test_words_of_others_are_no_markup(made: dict[str, Any]) -> None:
    hostile = {**made, "model": "a`b|c\n# <script>x</script>\x1b[31m"}
    head = page(hostile).splitlines()[0]
    assert head == "# a\\`b\\|c \\# \\<script\\>x\\</script\\> \\[31m"


def test_guidability_names_its_guide(tmp_path: Path) -> None:
    """The model answers right only when the steer states the answer; alone it never does."""
    bench, tokenizer = Bench(tmp_path), shipped()

    def says(request: Any) -> str:
        answer = request.purpose.problem.answer
        read_ = tokenizer.text_of(request.prompt)
        return f" Fine.</think>{answer if f'sum is {answer}' in read_ else '999'}"

    main = Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": "main"})

    def guiding(request: Any) -> str:
        answer = request.purpose.problem.answer
        return f"One is here. Two is here. So the sum is {answer}. That is all of it.</think>{answer}"

    guide = Scripted(tokenizer, Template(tokenizer, TEMPLATE), guiding, facts={"script": "guide"})
    bench.given = {"main": main, "guide": guide}
    sets = {
        "models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: x}",
        "problems": "{from: sums, limit: 10}",
    }  # fmt: skip
    part = Part("guidability", "known", "its/guide", read("guidability", sets))
    asyncio.run(bench.start_canned("guidability", sets, part.file))
    (test,) = card("known", [part], tmp_path)["tests"]
    assert test["guide"] == "its/guide"
    assert [cell["correct"] for cell in test["cells"]] == sorted(cell["correct"] for cell in test["cells"])
    assert test["cells"][0]["correct"] == 0
    assert test["cells"][-1]["correct"] == 10
    assert test["alone"]["correct"] == 0
    assert "guided by its/guide" in page(card("known", [part], tmp_path))
    asyncio.run(find_spoilers(tmp_path / part.file, bench.watcher))
    with Run(tmp_path / part.file) as run:
        found = scores(run)
    assert [(s.spoilers, s.looked_at) for s in found[:-1]] == [(s.correct, 10) for s in found[:-1]], "it believes them"
    assert found[-1].looked_at == 0
