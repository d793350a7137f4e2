"""What a user sees who gets a scenario wrong: a line a mistake, exit code 2, and nothing left behind."""

from pathlib import Path

import pytest

from tests.cli.conftest import ALL, SCENARIO, Relay, Said, tree


def but(old: str, new: str) -> str:
    assert SCENARIO.count(old) == 1, old
    return SCENARIO.replace(old, new)


EXPLODES = "relay: 1\na: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

SCENARIOS: dict[str, tuple[str | bytes, str]] = {
    "an unknown key": (
        but("problems:", "problms:"),
        "s.yaml:4:1: problms: unknown key 'problms' (did you mean 'problems'?)",
    ),
    "an unknown key of a node": (
        but("{write: a}", "{write: a, untill: answered}"),
        "s.yaml:8:29: graph.nodes.think.untill: unknown key 'untill' (did you mean 'until'?)",
    ),
    "a wrong type": (
        SCENARIO + "samples: many\n",
        "s.yaml:10:10: samples: should be a whole number of at least 1 or a map with the key 'adaptive', not 'many'",
    ),
    "a map that is none": (SCENARIO + "budget: 17\n", "s.yaml:10:9: budget: should be a map, not 17"),
    "a duplicate key": (
        SCENARIO + "graph: {}\n",
        "s.yaml:10:1: the key 'graph' stands here twice (first at s.yaml:5:1)",
    ),
    "a tab": (but("  start", "\tstart"), "s.yaml:6:1: a tab stands where only spaces can (indent with spaces)"),
    "a bracket that is never closed": (
        but("{think: end}", "{think: end"),
        "s.yaml:10:1: a ',' or '}' is missing before this (it opened at s.yaml:9:10)",
    ),
    "quotes that are never closed": (
        but('{answer}."', "{answer}."),
        "s.yaml:3:31: the quotes that open here are never closed (close them)",
    ),
    "an indentation that fits nothing": (
        but("  nodes", "   nodes"),
        "s.yaml:8:9: a ':' stands where no key can (quote the text, or mend the indentation)",
    ),
    "aliases that explode": (EXPLODES, "s.yaml:5:4: more than 20,000 values, counted with what the aliases stand for"),
    "a character that no text holds": ("relay: 1\n\0", "s.yaml:2:1: the character '\\x00' cannot stand in YAML"),
    "a run file": (
        b"SQLite format 3\0" + bytes(52) + b"RELY\xff",
        "s.yaml: is a run file, not a scenario (`relay run --resume s.yaml` goes on with it, "
        "`relay show s.yaml` shows it)",
    ),
    "bytes that are no text": (b"relay: 1\ntitle: \xff\n", "s.yaml:2:8: this is not UTF-8 text (save it as UTF-8)"),
    "an empty file": ("", "s.yaml:1:1: the file is empty (a scenario starts with 'relay: 1')"),
    "a list": ("- relay: 1\n", "s.yaml:1:1: should be a map, not a list (a scenario starts with 'relay: 1')"),
    "a forgotten quote": (
        but("write: a", "write: {m}"),
        's.yaml:8:26: a map with a key and no value (did you forget the quotes: "{m}"?)',
    ),
    "an unknown problem set": (
        but("from: sums", "from: sum"),
        "s.yaml:4:18: problems.from: there is no problem set 'sum' (did you mean 'sums'?)",
    ),
    "a tokenizer that is not there": (
        but("engine: scripted", "engine: scripted, tokenizer: nope.json"),
        "nope.json: no tokenizer.json that can be read (No such file or directory (os error 2))",
    ),
    "several mistakes": (
        but("write: a", "write: b").replace("start: think", "start: thnk") + "samples: 0\n",
        "s.yaml:6:10: graph.start: there is no node 'thnk' (did you mean 'think'?)\n"
        "s.yaml:8:26: graph.nodes.think.write: there is no model 'b' (known: a)\n"
        "s.yaml:10:10: samples: should be a whole number of at least 1 or a map with the key 'adaptive', not 0",
    ),
}


@pytest.mark.parametrize("kind", SCENARIOS)
def test_a_mistake_in_a_scenario_is_a_line_with_its_place(kind: str, relay: Relay, folder: Path) -> None:
    text, line = SCENARIOS[kind]
    (folder / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = tree(folder)
    said = relay("run", "s.yaml", "-o", "new/folder/x.relay")
    loading = "loading a\n" if "tokenizer" in kind else ""  # what only the engine can know
    assert said == Said(2, "", f"{loading}{line}\n")
    assert tree(folder) == before
    if not loading:
        assert relay("check", "s.yaml") == said


NAMES = {
    "nope.yaml": "there is no scenario file 'nope.yaml' (did you mean 's.yaml'?)",
    "recoverabilty": "there is no scenario file 'recoverabilty' (did you mean 'recoverability'?)",
    "xyz": f"there is no scenario file 'xyz' (canned ones: {ALL})",
    ".": "'.' is a folder (name a file in it)",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["run", "check", "graph"])
def test_a_scenario_that_is_not_there_brings_the_nearest_to_mind(command: str, name: str, relay: Relay) -> None:
    assert relay(command, name) == Said(2, "", f"{NAMES[name]}\n")


SETS = {
    "samples": "--set samples: should be --set a.b.c=VALUE",
    "=3": "--set =3: should be --set a.b.c=VALUE",
    "modles.a.says=x": (
        "--set modles.a.says: modles: unknown key 'modles' (did you mean 'models', which stands here too?)"
    ),
    "models.a.sayz=x": "--set models.a.sayz: unknown key 'sayz' (did you mean 'says', which stands here too?)",
    "samples.x=3": "--set samples.x: samples: none of its keys says what it is; one of these must: 'adaptive'",
    "graph.start.x=3": "--set graph.start.x: graph.start is 'think', which has no key 'x' (set graph.start as a whole)",
    "samples='": "--set samples: the quotes that open here are never closed (close them)",
    "problems=nope.jsonl": "--set problems: there is no file 'nope.jsonl' (looked in {folder})",
}


@pytest.mark.parametrize("change", SETS)
def test_a_bad_set_is_named_as_it_was_typed(change: str, relay: Relay, folder: Path) -> None:
    before = tree(folder)
    line = SETS[change].replace("{folder}", str(folder))
    assert relay("run", "s.yaml", "-o", "new/x.relay", "--set", change) == Said(2, "", f"{line}\n")
    assert tree(folder) == before


def test_cells_that_cannot_be_compared_are_refused(relay: Relay, folder: Path) -> None:
    text = but("limit: 4", 'limit: "{k}"') + "sweep: {over: {k: [2, 4]}}\n"
    (folder / "s.yaml").write_text(text)
    line = (
        "s.yaml:4:31: problems.limit: a sweep may not change 'problems', which cells must share to be compared "
        "(sweep what the graph says; of models, name several and sweep the name)"
    )
    for command in (("check", "s.yaml"), ("run", "s.yaml", "-o", "new/x.relay")):
        assert relay(*command) == Said(2, "", f"{line}\n")
    assert not (folder / "new").exists()


SELECTS = """\
relay: 1
models:
  a: {engine: scripted, says: {sum-0001: "</think>{answer}", "*": "</think>no"}}
problems: {from: sums, limit: 4}
pool: {samples: 2}
graph:
  start: think
  answer: think
  nodes: {think: {write: a, opens_with: {pool: a, take: 0.5}}}
  edges: {think: end}
select: {problems: {solved: a, at_least: 1/2, at_most: 1/2}}
"""


def test_a_script_for_a_problem_that_is_none_is_told_with_its_place(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SELECTS.replace("sum-0001", "sums-0001"))
    line = "s.yaml:3:32: models.a.says.sums-0001: no problem of 'sums' has this id (did you mean 'sum-0001'?)"
    for command in (("check", "s.yaml"), ("run", "s.yaml", "-o", "new/x.relay")):
        said = relay(*command)
        assert (said.code, said.out) == (2, "")
        assert said.err == f"{line}\n"
    assert not (folder / "new").exists()


def test_a_script_may_be_for_a_problem_that_the_limit_leaves_out(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SELECTS.replace("sum-0001", "sum-0063"))
    assert relay("check", "s.yaml").code == 0


def test_an_empty_selection_says_what_was_nearest(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SELECTS)
    before = tree(folder)
    said = relay("run", "s.yaml", "-o", "new/x.relay")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1] == (
        "select: no problem of 4 was solved 1 of 2 times by a; the nearest were sum-0000 (0/2), sum-0001 (2/2), "
        "sum-0002 (0/2) (loosen `select:`, or take more problems)"
    )
    assert tree(folder) == before


def test_what_is_not_graded_cannot_be_chosen_by_its_grade(relay: Relay, folder: Path) -> None:
    steer = "steer: {insert: {pool: a, of: another problem, where: correct}}"
    text = (
        SELECTS.replace("nodes: {", f"nodes: {{{steer}, ")
        .replace("edges: {", "edges: {steer: think, ")
        .replace("start: think", "start: steer")
    )
    for left, line in {
        text: "s.yaml:11:9: select: with 'verify: none' no solo is correct (name a verifier in 'verify')",
        text[: text.index("select:")]: (
            "s.yaml:9:18: graph.nodes.steer: with 'verify: none' no solo is correct (name a verifier in 'verify')"
        ),
    }.items():
        (folder / "s.yaml").write_text(f"{left}verify: none\n")
        assert relay("check", "s.yaml") == Said(2, "", f"{line}\n")


def test_a_pool_that_cannot_be_opened_is_a_line(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SELECTS)
    before = tree(folder)
    said = relay("run", "s.yaml", "-o", "new/x.relay", "--pool", ".")
    line = ".: is a folder, not a pool's file (name another file with --pool or RELAY_POOL)"
    assert said == Said(2, "", f"loading a\n{line}\n")
    assert tree(folder) == before
