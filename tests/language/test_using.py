"""Graphs in use: put in their place when the scenario is read, and told of where they were written."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.cli.check import check
from relay.cli.graph import graph
from relay.errors import UserError
from relay.language.expanding import expanded
from relay.language.reading import from_tree, parse_sets, read
from relay.language.yaml_words import write

BASE = """\
relay: 1
models:
  a: {engine: scripted, says: ["One. ", "Two. ", "So </think>{answer}."]}
  b: {engine: scripted, says: "Better. "}
  j: {engine: scripted, thinking: false, says: [good, bad, good]}
problems: {from: sums, limit: 1}
graphs:
  checked:
    let: {judge: j}
    start: draft
    answer: draft
    nodes:
      draft: {write: "{writer}", until: [{sentences: 1}, answered]}
      check: {judge: "{judge}", ask: " Good? ", labels: [good, bad], ahead: draft}
      again: {use: rewrite, with: {who: "{better}"}}
    edges:
      draft: check
      check: [{when: {label: check, equals: bad}, to: again, drop: draft}, {when: {chance: 0}, to: draft}, end]
      again: end
  rewrite:
    start: w
    nodes: {w: {write: "{who}", until: {sentences: 1}}}
    edges: {w: [{when: {visits: w, over: 9}, to: w}, end]}
graph:
  start: step
  answer: step
  nodes:
    step: {use: checked, with: {writer: a, better: b}}
  edges:
    step: [{when: answered, to: end}, {when: {visits: step, over: 5}, to: refuse}, step]
"""


def written(folder: Path, text: str = BASE, name: str = "x.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def told(path: Path, *sets: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(str(path), parse_sets(list(sets)))
    return [str(m).replace(f"{path.parent}/", "") for m in caught.value.mistakes]


def flat_graph(path: Path) -> Any:
    return read(str(path)).tree["graph"]


def test_its_nodes_take_its_place_under_its_name(tmp_path: Path) -> None:
    found = flat_graph(written(tmp_path))
    assert found["start"] == "step.draft"
    assert found["answer"] == ["step.draft"]
    assert found["nodes"] == {
        "step.draft": {"write": "a", "until": [{"sentences": 1}, "answered"]},
        "step.check": {"judge": "j", "ask": " Good? ", "labels": ["good", "bad"], "ahead": "step.draft"},
        "step.again.w": {"write": "b", "until": {"sentences": 1}},
        "step.again": {"leave": "rewrite"},
        "step": {"leave": "checked"},
    }


def test_its_end_leads_to_the_edges_of_the_node_that_used_it(tmp_path: Path) -> None:
    assert flat_graph(written(tmp_path))["edges"] == {
        "step.draft": "step.check",
        "step.check": [
            {"when": {"label": "step.check", "equals": "bad"}, "to": "step.again.w", "drop": "step.draft"},
            {"when": {"chance": 0}, "to": "step.draft"},
            "step",
        ],
        "step.again.w": [{"when": {"visits": "step.again.w", "over": 9}, "to": "step.again.w"}, "step.again"],
        "step.again": "step",
        "step": [
            {"when": "answered", "to": "end"},
            {"when": {"visits": "step", "over": 5}, "to": "refuse"},
            "step.draft",
        ],
    }


def test_what_is_expanded_reads_back_as_the_same(tmp_path: Path) -> None:
    reading = read(str(written(tmp_path)))
    again = read(str(written(tmp_path, write(expanded(reading)), "flat.yaml")))
    assert again.cells[0].scenario.graph == reading.cells[0].scenario.graph
    assert from_tree(reading.tree).cells[0].scenario == reading.cells[0].scenario
    assert "graphs" not in expanded(reading)


def test_a_sweep_reaches_into_it_by_a_value_or_by_name(tmp_path: Path) -> None:
    text = BASE.replace("writer: a, better: b}", 'writer: "{m}", better: b}').replace(
        "sentences: 1}, answered", 'tokens: "{k}"}, answered'
    )
    cells = read(str(written(tmp_path, text + "sweep: {over: {m: [a, b], k: [3, 4]}}\n"))).cells
    assert [cell.scenario.graph.nodes["step.draft"].model_dump()["write"] for cell in cells] == [
        "a",
        "a",
        "b",
        "b",
    ]
    assert [cell.scenario.graph.nodes["step.draft"].model_dump()["until"][0]["tokens"] for cell in cells] == [
        3,
        4,
        3,
        4,
    ]


def test_options_reach_it_before_it_is_put_in_its_place(tmp_path: Path) -> None:
    sets = {"graphs.checked.let.judge": "b", "graph.nodes.step.with.writer": "b"}
    nodes = read(str(written(tmp_path)), sets).cells[0].scenario.graph.nodes
    assert nodes["step.check"].model_dump()["judge"] == "b"
    assert nodes["step.draft"].model_dump()["write"] == "b"


OTHER = """\
relay: 1
models: {m: {engine: scripted, says: x}}
problems: sums
let: {words: " Hm?"}
graphs: {inner: {start: i, nodes: {i: {insert: {text: "{words}"}}}, edges: {i: end}}}
graph:
  start: first
  answer: first
  nodes: {first: {use: inner}, last: {write: "{m}", until: {sentences: 1}}}
  edges: {first: last, last: end}
"""


def test_the_graph_of_another_file_with_what_it_uses_itself(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    written(tmp_path / "lib", OTHER.replace("answer: first", "answer: last"), "other.yaml")
    text = BASE.replace("again: {use: rewrite, with: {who: ", "again: {use: lib/other.yaml, with: {m: ")
    nodes = flat_graph(written(tmp_path, text[: text.index("  rewrite:")] + text[text.index("graph:\n") :]))["nodes"]
    assert nodes["step.again.first.i"] == {"insert": {"text": " Hm?"}}
    assert nodes["step.again.last"]["write"] == "b"
    assert nodes["step.again.first"] == {"leave": f"{tmp_path}/lib/other.yaml:inner"}


def test_a_folder_that_is_called_relay_is_one_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "relay").mkdir()
    written(tmp_path / "relay", name="other.yaml")
    text = BASE.replace("use: checked, with: {writer: a, better: b}", "use: ./other.yaml")
    written(tmp_path / "relay", text[: text.index("graphs:")] + text[text.index("graph:\n") :])
    monkeypatch.chdir(tmp_path)
    assert "step.step.draft" in read("relay/x.yaml").cells[0].scenario.graph.nodes


def test_a_canned_scenario_s_graph_can_be_used(tmp_path: Path) -> None:
    text = BASE.replace("step: {use: checked, with: {writer: a, better: b}}", "step: {use: handoff}")
    text = text[: text.index("graphs:")] + text[text.index("graph:\n") :]
    found = flat_graph(written(tmp_path, text))
    assert list(found["nodes"]) == ["step.a", "step.b", "step"]
    assert found["answer"] == ["step.a", "step.b"]


MISTAKES = [
    ('use: checked', 'use: chekced',
     "28:17: graph.nodes.step.use: there is no graph 'chekced' (did you mean 'checked'?)"),
    ('use: checked', 'use: lib.yaml', "28:17: use: there is no scenario file 'lib.yaml' (did you mean 'x.yaml'?)"),
    ('{use: rewrite', '{use: checked', '15:20: graphs.checked.nodes.again.use: goes in a circle: checked -> checked'),
    ('writer: a,', 'writer: c,', "28:41: graph.nodes.step.with.writer: there is no model 'c'"),
    ('judge: j}', 'judge: c}', "9:18: graphs.checked.let.judge: there is no model 'c'"),
    ('{sentences: 1}, answered', '{sentenecs: 1}, answered',
     '13:43: graphs.checked.nodes.draft.until.0.sentenecs: unknown key'),
    ('label: check,', 'label: chek,', "18:30: graphs.checked.edges.check.0.when.label: there is no node 'step.chek'"),
    ('start: draft', 'start: drft', "10:12: graphs.checked.start: there is no node 'drft' (did you mean 'draft'?)"),
    ('answer: draft', 'answer: again.w', "11:13: graphs.checked.answer: there is no node 'again.w'"),
    ('    start: w\n', '', "20:3: graphs.rewrite: the key 'start' is missing"),
    ('    start: w\n', '    strat: w\n', "21:5: graphs.rewrite.strat: unknown key 'strat' (did you mean 'start'?)"),
    ('writer: a,', 'writer: a, writre: b,',
     '28:44: graph.nodes.step.with.writre: nothing uses "{writre}" in the graph \'checked\' (did you mean'),
    ('writer: a, ', '', "13:22: graphs.checked.nodes.draft.write: no variable 'writer'"),
    ('with: {writer', 'wiht: {writer', "28:26: graph.nodes.step.wiht: unknown key 'wiht' (did you mean 'with'?)"),
    ('again: {use: rewrite, with: {who: ', 'again: {insert: {text: ',
     "20:3: graphs.rewrite: no node uses the graph 'rewrite'"),
    ('      again: end\n', '',
     "15:7: graphs.checked.nodes.again: no edges lead on from 'step.again' (write 'edges: {again: end}' in"),
    ('    edges: {w: [{when: {visits: w, over: 9}, to: w}, end]}', '    edges: {}',
     "22:13: graphs.rewrite.nodes.w: no edges lead on from 'step.again.w' (write 'edges: {w: end}' in that graph)"),
    ('drop: draft', 'drop: again',
     "18:68: graphs.checked.edges.check.0.drop: nothing is written at 'step.again' itself (name a node in it: step"),
    ('nodes:\n    step:', 'nodes:\n    step.draft: {write: a}\n    step:', '29:5: graph.nodes.step: there is a node'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "mistake"), MISTAKES)
def test_a_mistake_is_told_where_it_was_written(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert BASE.count(old) >= 1
    found = told(written(tmp_path, BASE.replace(old, new, 1)))
    assert any(each.startswith(f"x.yaml:{mistake}") for each in found), found
    assert len(found) == 1, found


def test_a_graph_that_is_used_twice_tells_its_mistake_once(tmp_path: Path) -> None:
    text = BASE.replace("until: {sentences: 1}", "until: {sentences: no}")
    more = "    twice: {use: rewrite, with: {who: a}}\n  edges:\n    twice: end\n"
    text = text.replace("  edges:\n    step: [", more + "    step: [{when: {chance: 0.5}, to: twice}, ")
    found = told(written(tmp_path, text))
    assert found == [
        "x.yaml:22:52: graphs.rewrite.nodes.w.until.sentences: should be a whole number of at least 1, not 'no'"
    ]


def test_a_mistake_in_another_file_is_told_in_that_file(tmp_path: Path) -> None:
    written(tmp_path, OTHER.replace("sentences: 1", "sentences: 0"), "other.yaml")
    text = BASE.replace("again: {use: rewrite, with: {who: ", "again: {use: other.yaml, with: {m: ")
    found = told(written(tmp_path, text[: text.index("  rewrite:")] + text[text.index("graph:\n") :]))
    assert found == ["other.yaml:9:72: graph.nodes.last.until.sentences: should be a whole number of at least 1, not 0"]


def test_it_cannot_be_passed_over(tmp_path: Path) -> None:
    text = BASE.replace("writer: a,", 'writer: "{m}",') + "sweep: {over: {m: [a]}, also: [{without: step}]}\n"
    assert (
        "'step' uses a graph, which cannot be passed over, in the cell 'm=a without step' (name"
        in told(written(tmp_path, text))[0]
    )


def test_graphs_that_double_and_double_are_refused(tmp_path: Path) -> None:
    doubled = "".join(
        f"  g{i}: {{start: l, nodes: {{l: {{use: g{i + 1}}}, r: {{use: g{i + 1}}}}}, edges: {{l: r, r: end}}}}\n"
        for i in range(30)
    )
    text = BASE.replace(
        "graphs:\n", f"graphs:\n{doubled}  g30: {{start: w, nodes: {{w: {{write: a}}}}, edges: {{w: end}}}}\n"
    )
    found = told(written(tmp_path, text.replace("use: checked, with: {writer: a, better: b}", "use: g0")))
    assert any("1,000 are allowed" in each for each in found)


def test_a_long_chain_of_graphs_is_refused(tmp_path: Path) -> None:
    chain = "".join(f"  g{i}: {{start: l, nodes: {{l: {{use: g{i + 1}}}}}, edges: {{l: end}}}}\n" for i in range(900))
    last = "  g900: {start: w, nodes: {w: {write: a}}, edges: {w: end}}\n"
    text = BASE.replace("graphs:\n", f"graphs:\n{chain}{last}")
    found = told(written(tmp_path, text.replace("use: checked, with: {writer: a, better: b}", "use: g0")))
    assert [each for each in found if "graphs deep; 40 are allowed" in each]


def test_check_and_graph_show_it_in_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(written(tmp_path))
    check(path, expand=True, json=True)
    assert "step.again.w" in json.loads(capsys.readouterr().out)["graph"]["nodes"]
    graph(path)
    drawn = capsys.readouterr().out
    assert "step.check --(label of step.check is 'bad'; drop step.draft)--> step.again.w" in drawn
    graph(path, format="mermaid")
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines if line.strip().startswith(("subgraph", "end"))] == [
        'subgraph g_n4 ["step"]', 'subgraph g_n3 ["step.again"]', "end", "end"
    ]  # fmt: skip


NAMES = st.sampled_from(["p", "q", "r"])


@st.composite
def graphs(draw: st.DrawFn, levels: int = 3) -> dict[str, Any]:
    """A tree whose graph uses others, each of which may use those below it."""
    made: dict[str, Any] = {}
    for level in range(levels, -1, -1):
        names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
        nodes = {
            name: {"use": f"g{level + 1}"} if level < levels and (i == 0 or draw(st.booleans())) else {"write": "m"}
            for i, name in enumerate(names)
        }
        edges: dict[str, Any] = {}
        for name, after in zip(names, [*names[1:], "end"], strict=True):
            back = {"when": {"visits": draw(st.sampled_from(names)), "over": 3}, "to": draw(st.sampled_from(names))}
            edges[name] = draw(st.sampled_from([after, [back, {"to": after}]]))
        made[f"g{level}"] = {"start": names[0], "answer": names, "nodes": nodes, "edges": edges}
    top = made.pop("g0")
    tree = {"relay": 1, "models": {"m": {"engine": "scripted", "says": "x"}}, "problems": "sums", "graph": top}
    return {**tree, "graphs": made}


def walked(tree: dict[str, Any], graph: Any, name: str, prefix: str) -> dict[str, str]:
    """The nodes that write, as a recursion of a few lines finds them: by their flat names, who writes there."""
    node = graph["nodes"][name]
    if "use" not in node:
        return {prefix + name: node["write"]}
    inner = tree["graphs"][node["use"]]
    return {k: v for n in inner["nodes"] for k, v in walked(tree, inner, n, f"{prefix}{name}.").items()}


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_any_graphs_come_out_flat_with_every_way_kept(tree: dict[str, Any]) -> None:
    found = from_tree(tree).tree["graph"]
    writes = {k: v for name in tree["graph"]["nodes"] for k, v in walked(tree, tree["graph"], name, "").items()}
    assert {name: node["write"] for name, node in found["nodes"].items() if "write" in node} == writes
    assert not any("use" in node for node in found["nodes"].values())
    assert set(found["edges"]) == set(found["nodes"])
    assert set(found["answer"]) == set(writes)
    assert found["start"] in writes, "a pen never sets out at a place where nothing is done"
    leaves = {name for name, node in found["nodes"].items() if "leave" in node}
    for name, exits in found["edges"].items():
        for edge in exits if isinstance(exits, list) else [{"to": exits}]:
            to, parent = edge["to"], name.rpartition(".")[0]
            assert to in found["nodes"] or (to == "end" and not parent), "only the scenario's own graph ends"
            assert to not in leaves or to == parent, "a graph is left from within"
