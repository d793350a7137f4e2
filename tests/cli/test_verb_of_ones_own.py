"""A verb that a third party adds, as docs/python.md shows it: here a classifier that a watcher asks."""

from pathlib import Path

from tests.cli.conftest import Relay

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
WATCHED = """
relay: 1
models:
  m: {engine: scripted, delta: token, says: ["One. You fool! Two. ", "So </think>{answer}"]}
problems: {from: sums, limit: 1}
graph:
  start: think
  answer: think
  nodes:
    think: {write: m, until: [{paragraphs: 1}, answered]}
    look: {classify: fool}
    guard: {watch: think, trip: {label: look, equals: rude}}
    warn: {insert: {text: " No. "}}
  edges:
    think: [{when: answered, to: end}, think]
    guard: warn
    warn: think
"""


def test_a_classifier_of_one_s_own_trips_a_watcher(program: Relay, folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "classify-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: classify\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[relay.nodes]\nclassify = classify:Classify\n")
    code = PAGE.read_text().partition("<!-- verb -->\n```python\n")[2].partition("```")[0]
    (site / "classify.py").write_text(code)
    (folder / "s.yaml").write_text(WATCHED)
    env = {"PYTHONPATH": str(site)}
    assert program("run", "s.yaml", "-o", "s.relay", env=env).code == 0
    said = program("show", "s.relay", "0", "--json", env=env)
    assert "taken back" in said.out
    assert "label of look is 'rude'" in said.out
    (folder / "s.yaml").write_text(WATCHED.replace("equals: rude", "equals: rood"))
    assert "'rood' is none of the labels of 'look' (known: rude, fine)" in program("check", "s.yaml", env=env).err
