"""What is wrong with a graph is told before it runs; what is right is compiled."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.language import graph
from relay.language.reading import from_tree, read

SCENARIO = """\
relay: 1
models: {main: {engine: scripted, says: a}}
problems: sums
graph:
  start: a
  answer: a
  nodes:
    a: {write: main}
    b: {insert: {text: hm}}
  edges:
    a: [{when: {visits: a, equals: 1}, to: b}, end]
    b: a
"""


def told(folder: Path, *changes: tuple[str, str]) -> list[str]:
    text = SCENARIO
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "x.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(folder / "x.yaml"))
    return [str(m).removeprefix(f"{folder}/x.yaml:") for m in caught.value.mistakes]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("start: a", "start: c", "5:10: graph.start: there is no node 'c' (known: a, b)"),
        ("b: a\n", "b: aa\n", "12:8: graph.edges.b: there is no node 'aa' (did you mean 'a'?)"),
        ("b: a\n", "b: end\n    c: a\n", "13:5: graph.edges.c: there is no node 'c' (known: a, b)"),
        ("write: main", "write: mian", "8:16: graph.nodes.a.write: there is no model 'mian' (did you mean 'main'?)"),
        ("visits: a", "visits: x", "11:25: graph.edges.a.0.when.visits: there is no node 'x' (known: a, b)"),
        ("    b: a\n", "", "9:5: graph.nodes.b: no edges lead on from 'b' (write 'edges: {b: end}')"),
        ("to: b", "to: end",
         "9:5: graph.nodes.b: no way leads from the start to 'b' (add an edge to it, or leave it out)"),
        (", end]", "]",
         "11:16: graph.edges.a.0.when: the last edge must always hold (leave out its 'when', or add an edge"
         " without one)"),
        (", end]", ", end, b]",
         "11:48: graph.edges.a.1: no edge can follow this one, which always holds (give it a"
         " 'when', or move it)"),
        ("answer: a", "answer: b",
         "6:11: graph.answer: 'b' cannot answer: no model writes there (name a node that writes)"),
        ("answer: a", "answer: [a, b]",
         "6:15: graph.answer.1: 'b' cannot answer: no model writes there (name a node that writes)"),
        ("b: {insert: {text: hm}}", "b: {write: main, until: [{tokens: 3}, answered]}",
         "9:43: graph.nodes.b.until.1: 'b' may not answer, so it is never answered (add 'b' to 'answer:')"),
        ("b: {insert: {text: hm}}", "b: {insert: {text: hm}}\n    end: {write: main}",
         "10:5: graph.nodes.end: a node cannot be called 'end', which means something else (take another name)"),
        ("b: {insert: {text: hm}}", "b: {insert: {text: hm}}\n    write: {write: main}",
         "10:5: graph.nodes.write: a node cannot be called 'write', which means something else (take another name)"),
        ("b: {insert: {text: hm}}", "b: {insert: {pool: main, of: this problem}}",
         "9:24: graph.nodes.b.insert.pool: this takes from a pool, and there is none (write 'pool: {samples: 8}' at the"
         " top level)"),
        ("a: {write: main}", "a: {write: main, insert: {text: x}}",
         "8:22: graph.nodes.a.insert: 'insert' cannot stand beside 'write' (leave one out)"),
        ("a: {write: main}", "a: {write: main, stitch: x}",
         "8:22: graph.nodes.a.stitch: unknown key 'stitch' beside 'write' (it goes with 'insert')"),
        ("a: {write: main}", "a: {rite: main}", "8:9: graph.nodes.a.rite: unknown key 'rite' (did you mean 'write'?)"),
        ("a: {write: main}", "a: {until: answered}",
         "8:8: graph.nodes.a: none of its keys says what it is; one of these must: 'ask', 'branch', 'compute',"
         " 'insert', 'judge', 'leave', 'pick', 'use', 'watch', 'write'"),
        ("equals: 1", "equals: 1, over: 2",
         "11:45: graph.edges.a.0.when.over: 'over' cannot stand beside 'equals': one comparison is enough"),
        (", equals: 1", "",
         "11:16: graph.edges.a.0.when: compares with nothing; one of these must stand here: 'equals', 'over', 'under',"
         " 'at_least', 'at_most'"),
        ("{visits: a, equals: 1}", "{matches: '('}",
         "11:26: graph.edges.a.0.when.matches: this is no regular expression: missing ), unterminated subpattern at"
         " position 0"),
        ("engine: scripted", "engine: scriptd", "2:25: models.main.engine: there is no engine 'scriptd' (did you mean"
         " 'scripted'?)"),
        ("engine: scripted, ", "", "2:16: models.main: the key 'engine' is missing (known: http, recorded,"
         " replay, scripted, simulated, transformers, vllm)"),
        ("problems: sums", "problems: sumz", "3:11: problems: there is no problem set 'sumz' (did you mean 'sums'?)"),
        ("problems: sums", "problems: sums\nverify: meth",
         "4:9: verify: there is no verifier 'meth' (did you mean 'math'?)"),
        ("problems: sums", "problems: sums\ncompare: [solo mian]",
         "4:11: compare.0: should be 'solo' and the name of a model, or another baseline, not"
         " 'solo mian' (did you mean 'solo main'?)"),
        ("problems: sums", "problems: sums\npool: {samples: 8}\nselect: {problems: {solved: main, at_least: 4/9}}",
         "5:45: select.problems.at_least: the pool holds 8 samples, not 9 (write it as ../8)"),
        ("problems: sums", "problems: sums\npool: {samples: 8}\nselect: {problems: {solved: main}}",
         "5:20: select.problems: 'at_least' or 'at_most' is missing"),
        ("relay: 1\n", "", "1:1: the key 'relay' is missing"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_graph_is_told_at_its_place(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert told(tmp_path, (old, new)) == [mistake]


def test_nodes_that_never_come_to_an_end_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, (", end]", ", a]")) == [
        "8:5: graph.nodes.a: no way leads from 'a' to an end (add an edge 'to: end')",
        "9:5: graph.nodes.b: no way leads from 'b' to an end (add an edge 'to: end')",
    ]


def test_a_broken_budget_does_not_hide_a_broken_graph(tmp_path: Path) -> None:
    lines = told(tmp_path, ("to: b", "to: end"), ("problems: sums", "problems: sums\nbudget: {tokens: x}"))
    assert [line.split(" ")[1] for line in lines] == ["budget.tokens:", "graph.nodes.b:"]


def test_a_graph_is_compiled_to_plain_dicts() -> None:
    tree = {
        "relay": 1, "models": {"m": {"engine": "scripted", "says": "x"}}, "problems": "sums",
        "graph": {"start": "a", "answer": "a", "nodes": {"a": {"write": "m"}, "b": {"insert": {"text": "x"}}},
                  "edges": {"a": [{"when": "answered", "to": "end"}, "b"], "b": "a"}},
    }  # fmt: skip
    found = graph.build(from_tree(tree).cells[0].scenario, frozenset({"b"}))
    assert (found.start, found.answer, found.passed) == ("a", frozenset("a"), frozenset("b"))
    assert [(e.to, e.number, e.when is None) for e in found.edges["a"]] == [("end", 0, False), ("b", 1, True)]
    assert type(found.nodes) is dict
    assert type(found.edges["b"]) is tuple


def test_a_scenario_from_elsewhere_is_checked_with_its_paths_alone() -> None:
    with pytest.raises(UserError) as caught:
        from_tree({"relay": 1})
    assert [str(m) for m in caught.value.mistakes] == [
        "the key 'models' is missing", "the key 'problems' is missing", "the key 'graph' is missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "edges", "most"),
    [
        ("a: {write: m, until: {tokens: 5}}", "a: end", 5),
        ("a: {write: m, until: {sentences: 5}}", "a: end", None),
        ("a: {write: m, until: {tokens: 5}}", "a: [{when: answered, to: end}, a]", None),
        ("a: {write: m, until: {tokens: 5}}, b: {write: m, until: {tokens: 7}}",
         "a: [{when: answered, to: end}, b], b: end", 12),
    ],
)  # fmt: skip
def test_the_most_tokens_of_a_rollout_are_known_where_no_way_goes_in_circles(
    tmp_path: Path, nodes: str, edges: str, most: int | None
) -> None:
    (tmp_path / "x.yaml").write_text(
        "relay: 1\nmodels: {m: {engine: scripted, says: x}}\nproblems: sums\n"
        f"graph: {{start: a, answer: a, nodes: {{{nodes}}}, edges: {{{edges}}}}}\n"
    )
    assert graph.most_tokens(read(str(tmp_path / "x.yaml")).cells[0].scenario.graph) == most


WATCHED = """\
relay: 1
models: {main: {engine: scripted, says: a}}
problems: sums
graph:
  start: a
  answer: a
  nodes:
    a: {write: main}
    b: {insert: {text: hm}}
    judged: {judge: main, ask: "ok? ", labels: [yes, no]}
    guard: {watch: a, trip: {label: judged, equals: "no"}}
  edges:
    a: [{when: {visits: a, equals: 1}, to: b}, end]
    b: a
    guard: [{when: {trips: guard, at_least: 4}, to: refuse}, b]
"""


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("watch: a,", "watch: [a, c],",
         "11:24: graph.nodes.guard.watch.1: there is no node 'c' (known: a, b, guard, judged)"),
        ("watch: a,", "watch: b,", "11:20: graph.nodes.guard.watch: no model writes at 'b' (name a node that writes)"),
        ("    guard: [{when: {trips: guard, at_least: 4}, to: refuse}, b]\n", "",
         "11:5: graph.nodes.guard: no edges lead on from 'guard' (write 'edges: {guard: end}')"),
        ("b: a\n", "b: guard\n",
         "14:8: graph.edges.b: 'guard' watches: a pen comes there by a trip alone (lead elsewhere)"),
        ("start: a", "start: guard",
         "5:10: graph.start: 'guard' watches: a pen comes there by a trip alone (start elsewhere)"),
        ("b: a\n", "b: judged\n",
         "14:8: graph.edges.b: 'judged' is asked by a watcher, and no pen comes there (lead elsewhere)"),
        ("trips: guard", "trips: b",
         "15:20: graph.edges.guard.0.when: 'b' watches nothing (name one that does: guard)"),
        ("labels: [yes, no]", "labels: [yes, no, yes]",
         "10:58: graph.nodes.judged.labels.2: 'yes' is a label already (say each label once)"),
        ("    guard: {watch", "    best: {pick: {best: guard}}\n    guard: {watch",
         "11:25: graph.nodes.best.pick.best: 'guard' judges nothing (name one that does: judged)"),
        ("label: judged", "label: b", "11:29: graph.nodes.guard.trip: 'b' judges nothing (name one that does: judged)"),
        ('equals: "no"}', "equals: nope}",
         "11:29: graph.nodes.guard.trip: 'nope' is none of the labels of 'judged' (did you mean 'no'?)"),
        ("labels: [yes, no]", "labels: [yes, no], place: thought",
         "11:29: graph.nodes.guard.trip: 'judged' puts its word into the thought, and is asked while that is written"
         " (leave out the 'place' of 'judged')"),
        ("watch: a,", "watch: a, hold: false, back: {tokens: 4},",
         "11:42: graph.nodes.guard.back: with 'hold: false' what it reads is settled, and is not taken back (leave it"
         " out, or hold)"),
        ("    guard: {watch", "    more: {watch: a, trip: {label: judged, equals: 'no'}}\n    guard: {watch",
         "12:29: graph.nodes.guard.trip: 'judged' is asked by 'more' too (let each watcher ask a judge of its own)"),
        ("watch: a, trip: {label: judged, equals: \"no\"}", "watch: a",
         "11:5: graph.nodes.guard: the key 'trip' is missing"),
    ],
)  # fmt: skip
def test_a_mistake_about_watchers_is_told_at_its_place(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert old in WATCHED
    (tmp_path / "x.yaml").write_text(WATCHED.replace(old, new))
    with pytest.raises(UserError) as caught:
        read(str(tmp_path / "x.yaml"))
    lines = [str(m).removeprefix(f"{tmp_path}/x.yaml:") for m in caught.value.mistakes]
    assert mistake in lines


def test_a_node_that_begins_ahead_of_a_judge_is_not_watched(tmp_path: Path) -> None:
    text = WATCHED.replace("    guard: {", "    next: {judge: main, ask: x, labels: [y, n], ahead: a}\n    guard: {")
    text = text.replace("to: b}, end]", "to: b}, {when: {visits: a, equals: 2}, to: next}, end]").replace(
        "b: a\n", "b: a\n    next: a\n"
    )
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read(str(tmp_path / "x.yaml"))
    assert "'a' begins ahead of 'next', and cannot be watched" in str(caught.value)


def test_a_graph_with_a_watcher_is_right_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(WATCHED)
    cell = read(str(tmp_path / "x.yaml")).cells[0]
    ((watcher,),) = graph.build(cell.scenario).watched.values()
    assert (watcher.name, watcher.unit, watcher.every, watcher.asks, watcher.hold) == (
        "guard", "sentences", 1, ("judged",), True,
    )  # fmt: skip
    assert graph.build(cell.scenario, frozenset({"guard"})).watched == {}
