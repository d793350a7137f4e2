"""`relay report --html`: one file that needs nothing else, says what the tables say, and obeys no model."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import relay
from relay.cli import main
from relay.measure.scores import scores
from relay.reports.page import page
from relay.reports.pictures import BOTTOM, HEIGHT, TOP, curves, heats
from relay.reports.points import points
from relay.reports.traces import LISTED, LONGEST, WHOLE, led
from relay.store.reader import Run
from tests.results.conftest import KNOWN, simulated

HOSTILE = r"""
relay: 1
title: "<script>alert(1)</script>\x1b[31m\u202eevil"
models: {a: {engine: scripted, says: "<script>alert(2)</script>&amp;\x1b[2J\u202e\u0000</think><img src=x onerror=alert(3)>{answer}"}}
problems: {from: rows.jsonl}
graph: {start: a, answer: a, nodes: {a: {write: a}}, edges: {a: end}}
sampling: {temperature: "{t}"}
sweep: {over: {t: [0.1, 0.9]}}
"""  # noqa: E501  one line of YAML


class Seen(HTMLParser):
    """What a page holds: ids, links, tags, whatever would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.links, self.tags = list[str](), list[str](), set[str]()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "data", "action"):
                self.links.append(str(value))


def page_of(*paths: Path) -> str:
    runs = [Run(path) for path in paths]
    try:
        return page(runs)
    finally:
        for run in runs:
            run.close()


def guided(folder: Path) -> Path:
    """A run of guidability with simulated models."""
    rules = [{"solved": "main", "at_most": "1/2"}, {"solved": "guide", "at_least": "1/2"}]
    weak = {**KNOWN, "solves": {"mean": 0.3, "icc": 0.4}}
    sets: dict[str, Any] = {"models.main": weak, "models.guide": KNOWN, "select.problems": rules, "problems.limit": 32}
    return simulated(folder, "guidability", "guided", **sets).path


def test_nothing_is_fetched_no_script_runs_and_every_link_leads_somewhere(recovered: Path) -> None:
    text = page_of(recovered)
    seen = Seen(text)
    assert not seen.tags & {"script", "iframe", "img", "object", "embed", "form"}
    assert len(seen.ids) == len(set(seen.ids))
    assert {link.removeprefix("#") for link in seen.links if link != "data:,"} <= set(seen.ids)
    assert not re.search(r"https?:|@import|url\(", text)
    assert "default-src 'none'" in text


def test_every_cell_is_in_the_tables_the_pictures_and_the_list_with_the_same_figures(recovered: Path) -> None:
    text = page_of(recovered)
    with Run(recovered) as run:
        found, where = scores(run), points(run)
        marks = {mark.cell: mark for line in curves(where)[0].lines for mark in line.marks}
        squares = {
            square.cell: square.text for map_ in heats(where) for _, row in map_.rows for square in row if square
        }
        listed = led(run)
    for i, score in enumerate(found):
        assert score.score is not None
        assert score.interval is not None
        said = f"{100 * score.score:.1f}"
        assert f'<td>{score.cell}</td><td class="figure">{said}</td>' in text
        assert f'id="r0-c{i}"' in text
        assert sum(kind.number for kind in listed[i].kinds) == score.graded
        if "without" in score.cell:
            assert f"fresh solos: {score.cell}: {said} %" in text
            continue
        assert squares[i] == said
        assert 1 - (marks[i].y - TOP) / (HEIGHT - TOP - BOTTOM) == pytest.approx(score.score)
        assert 1 - (marks[i].low - TOP) / (HEIGHT - TOP - BOTTOM) == pytest.approx(score.interval.low)
        assert 1 - (marks[i].high - TOP) / (HEIGHT - TOP - BOTTOM) == pytest.approx(score.interval.high)


def test_what_a_model_a_problem_or_a_title_says_is_text(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "a<b>\\u202e", "question": "<b>1 + 1</b>\\u0007?", "answer": "2"}\n')
    (tmp_path / "s.yaml").write_text(HOSTILE)
    text = page_of(relay.run(tmp_path / "s.yaml", tmp_path / "r.relay").path)
    assert not Seen(text).tags & {"script", "img", "b"}
    assert "&lt;script&gt;alert(2)" in text
    assert "&amp;amp;" in text
    assert "&lt;U+202E&gt;" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert len(curves_of(tmp_path / "r.relay")) == 1


def curves_of(path: Path) -> list[Any]:
    with Run(path) as run:
        return curves(points(run))


def test_the_spoiler_rate_is_drawn_only_where_somebody_looked(tmp_path: Path) -> None:
    path = guided(tmp_path)
    assert [line.name for line in curves_of(path)[0].lines] == ["score"]
    with pytest.raises(SystemExit):
        main(["report", str(path), "--spoilers", "--json"])
    (curve,) = curves_of(path)
    assert [line.name for line in curve.lines] == ["score", "spoiler rate"]
    assert curve.level is not None
    assert len({line.kind for line in curve.lines}) == 2, "told apart by shape and dash"


def test_a_page_stays_small_however_many_rollouts_and_however_long(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "relay: 1\nmodels: {a: {engine: scripted, says: '" + "Hm. " * 5000 + "</think>{answer}'}}\nsamples: 30\n"
        "problems: {from: sums, limit: 3}\ngraph: {start: a, answer: a, nodes: {a: {write: a}}, edges: {a: end}}\n"
    )
    path = relay.run(tmp_path / "s.yaml", tmp_path / "r.relay").path
    with Run(path) as run:
        (cell,) = led(run)
    (kind,) = cell.kinds
    assert (kind.number, len(kind.first)) == (90, LISTED)
    assert len(cell.traces) <= 2 < WHOLE
    assert all(len(block.text) < LONGEST + 100 for trace in cell.traces for block in trace.blocks)
    assert "characters left out" in cell.traces[0].blocks[0].text


def test_a_trace_says_which_pen_wrote_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_POOL", str(tmp_path / "pool.sqlite"))
    says = {"engine": "scripted", "says": ["So.</think>The answer is {answer}."]}
    sets: dict[str, Any] = {"models.main": says, "problems": {"from": "sums", "limit": 2}}
    path = relay.run("self-consistency", tmp_path / "r.relay", **sets).path
    with Run(path) as run:
        facts = [block.facts for block in led(run)[0].traces[0].blocks]
    assert any("pen 0.1" in fact for fact in facts)


def test_two_runs_share_a_page(recovered: Path, tmp_path: Path) -> None:
    text = page_of(recovered, guided(tmp_path))
    assert 'href="#r1-c0"' in text
    assert len(Seen(text).ids) == len(set(Seen(text).ids))


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def console(file: Path, profile: Path) -> list[str]:
    """What a browser without network says of this page."""
    assert CHROMIUM is not None
    said = subprocess.run(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}", f"--screenshot={profile}.png",
            file.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return [line for line in said.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_without_network_opens_it_without_a_word(recovered: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.html").write_text("<!DOCTYPE html><link rel='icon' href='data:,'><script>null.x</script>")
    assert console(tmp_path / "broken.html", tmp_path / "one"), "the browser tells of errors"
    (tmp_path / "page.html").write_text(page_of(recovered))
    assert console(tmp_path / "page.html", tmp_path / "two") == []
    assert (tmp_path / "two.png").stat().st_size > 10_000
