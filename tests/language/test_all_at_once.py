"""One mistake hides no other: names, edges, watchers, cells and files are looked at together."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.language.reading import read

TEXT = """\
relay: 1
models: {a: {engine: scripted, says: x}}
problems: {from: sums, limit: 1}
graph:
  start: think
  answer: think
  nodes:
    think: {write: a, until: {sentences: 1}}
    rate: {judge: a, ask: "?", labels: [0, 1]}
    lost: {write: a}
  edges: {think: [{when: answered, to: end}, {to: ratee}], rate: {to: end, drop: thinkk}}
compare: [without rate, without think]
tests: {named: [{cell: alll, against: without rate}]}
"""


def told(folder: Path, text: str) -> list[str]:
    (folder / "s.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(folder / "s.yaml"))
    return [str(m).removeprefix(f"{folder}/").split(" (")[0] for m in caught.value.mistakes]


def test_a_name_that_was_surely_meant_hides_nothing_behind_it(tmp_path: Path) -> None:
    assert told(tmp_path, TEXT) == [
        "s.yaml:10:5: graph.nodes.lost: no edges lead on from 'lost'",
        "s.yaml:11:51: graph.edges.think.1.to: there is no node 'ratee'",
        "s.yaml:11:82: graph.edges.rate.drop: there is no node 'thinkk'",
        "s.yaml:12:25: compare.1: without 'think' nobody can answer",
        "s.yaml:13:24: tests.named.0.cell: there is no cell 'alll'",
    ]


def test_a_file_that_cannot_be_used_hides_nothing_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("relay: 1\ngraph: {a: 1\n")
    use = "    one: {use: ./broken.yaml}\n    two: {use: ./broken.yaml}\n    three: {use: ./nowhere.yaml}\n    rate:"
    found = told(tmp_path, TEXT.replace("limit:", "limmit:").replace("    rate:", use))
    assert [line.split(": ")[0] for line in found] == [
        "broken.yaml:3:1",
        "s.yaml:11:18",
        "s.yaml:3:24",
        "s.yaml:14:51",
        "s.yaml:14:82",
        "s.yaml:15:25",
        "s.yaml:16:24",
    ]
