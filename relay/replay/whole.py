"""A whole run played again with no model at all: into a new run file, and whether every hop is what it was."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.language.reading import from_tree
from relay.replay.source import scoreless
from relay.store import files, making, opening
from relay.store.asking import DONE, FORK
from relay.store.reader import Run
from relay.store.rows import Row
from relay.store.writer import RunWriter
from relay.trajectory import Segment, Usage
from relay.walk import ANSWER, BETWEEN, IN_VAIN, Extra, Hop, StopReason

COPIED = ("cell", "problem", "head", "solo", "solved", "unit")  # what was there before the first rollout
FACTS = ("source", "folder", "samples", "rounds", "problem_set", "notes")
_ACTS = f"""
SELECT id, act, rollout, pen, data, who, asked FROM requests
WHERE {DONE} AND act IN {(*BETWEEN, FORK, ANSWER)} ORDER BY id
"""


class Difference(NamedTuple):
    """Where the played run is not what the first one was."""

    where: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.where}: {self.now} here, {self.was} there"


def lay_out(path: Path, out: Path, speed: float = 0.0) -> None:
    """A new run file that stands where this finished run stood before its first rollout. Raises UserError."""
    with opening.opened(path) as run:
        meta = run.meta
        if meta["phase"] != "done":
            instead = f"`relay run --resume {path}` does what is missing"
            raise UserError(Mistake(str(path), "was broken off before its end, or still goes on", instead))
        if (why := scoreless(meta)) and _weighs(run):
            raise UserError(Mistake(str(path), f"`score: mean` cannot be played: {why}", "record the run anew"))
        if out.is_file():
            instead = "choose another name with -o; `relay replay --resume` goes on with a replay that was broken off"
            raise UserError(Mistake(str(out), "exists already", instead))
        remove = making.footprint(out)
        writer = RunWriter.create(out)
        try:
            with writer.at_once():
                _copy(run, writer)
                scenario = _replayed(meta["scenario"], path, meta["models"], speed)
                writer.put_meta(scenario=scenario, phase="walking", inode=files.inode(out), replays=str(path.resolve()))
                writer.put_meta(**{key: meta[key] for key in (*FACTS, "made", "relay") if key in meta})
        except BaseException:
            writer.discard()
            remove()
            raise
        writer.close(finished=False)


def _weighs(run: Run) -> bool:
    """Whether a node of it asks how probable a text is."""
    cells = from_tree(run.meta["scenario"], run.meta["source"], run.cells).cells
    return any(any(node.weighs()) for cell in cells for node in cell.scenario.graph.nodes.values())


def _copy(run: Run, writer: RunWriter) -> None:
    for _, text in run.query("SELECT id, text FROM name ORDER BY id"):
        writer.name(text)  # in their order they are given the same numbers
    writer.put_names()
    for table in COPIED:
        writer.put(table, run.query(f"SELECT * FROM {table}"))
    writer.put("requests", _to_do_again(run))


def _to_do_again(run: Run) -> Iterator[Row]:
    """What people did, each act for the very hop that it made; as if it had been asked for and not yet done."""
    for number, act, rollout, pen, data, who, asked in run.query(_ACTS):
        said = json.loads(data) if data else {}
        if act not in (FORK, ANSWER):
            made = next((hop.n for hop in run.hops(rollout) if hop.source == f"{act} {number}"), None)
            if made is None:
                continue  # it went down with no hop, and nothing came of it
            said = {key: value for key, value in said.items() if key != "segment"} | {"n": made}
        yield number, act, rollout, pen, json.dumps(said), who, asked, None, None


def _replayed(tree: dict[str, Any], path: Path, used: Mapping[str, object], speed: float) -> dict[str, Any]:
    """The scenario with each model that it uses played from the run."""
    models = dict(tree["models"])
    for name in used:
        played = {"engine": "replay", "run": str(path.resolve()), "model": name, "speed": speed}
        told = {"system": models[name]["system"]} if "system" in models[name] else {}
        models[name] = {**played, **told}
    return {**tree, "models": models}


def original(path: Path) -> Path:
    """The run that this one plays. Raises UserError where it plays none."""
    with opening.opened(path) as run:
        said = run.meta.get("replays")
    if said is None:
        raise UserError(Mistake(str(path), "plays no other run", "`relay run --resume` goes on with any run"))
    return Path(said)


def differences(was: Run, now: Run) -> Iterator[Difference]:
    """What of the run that was played is not as it was, rollout by rollout; clocks are left out."""
    graders = zip(was.verifiers[:1], now.verifiers[:1], strict=False)
    judged = next((one == other for one, other in graders), False)
    again = {row.id: row for row in now.rollouts()}
    for row in was.rollouts():
        other, where = again.get(row.id), f"rollout {row.id}"
        if other is None:
            yield Difference(where, row.state, "nothing")
            continue
        late = _late(was, row.id) | _late(now, row.id)
        yield from _of_hops(where, _by_pen(was, row.id, late), _by_pen(now, row.id, late))
        said = [("its end", row.state, other.state)]
        if judged:
            said += [("its verdict", row.outcome, other.outcome), ("the answer found", row.found, other.found)]
        yield from (Difference(f"{where}, {what}", repr(a), repr(b)) for what, a, b in said if a != b)


def _late(run: Run, rollout: int) -> set[str]:
    """The pens that were stopped, for another one was first."""
    return {hop.pen for hop in run.hops(rollout) if hop.rest == StopReason.LATE}


def _by_pen(run: Run, rollout: int, late: set[str]) -> dict[tuple[str, int], Hop]:
    """The hops by pen and place on its way; not how far came what was stopped, by a veto or too late: clocks say it."""
    found: dict[tuple[str, int], Hop] = {}
    places: Counter[str] = Counter()
    for hop in run.hops(rollout):
        if hop.pen not in late and (hop.extra is None or hop.extra.apart not in IN_VAIN):
            found[hop.pen, places[hop.pen]] = hop
            places[hop.pen] += 1
    return found


def _of_hops(rollout: str, was: dict[tuple[str, int], Hop], now: dict[tuple[str, int], Hop]) -> Iterator[Difference]:
    for key in sorted(was.keys() | now.keys()):
        a, b = was.get(key), now.get(key)
        hop = a or b
        assert hop is not None  # the key is of one of them
        where = f"{rollout}, hop {hop.n} of pen {hop.pen} ({hop.node}, visit {hop.visit})"
        if a is None or b is None:
            yield Difference(where, "a hop" if a else "none", "a hop" if b else "none")
            continue
        one, other = _flat(a), _flat(b)
        for name in one:
            if one[name] != other[name]:
                yield Difference(f"{where}, {name}", _short(one[name]), _short(other[name]))
                break


def _flat(hop: Hop) -> dict[str, object]:
    """Its values by name, without its clock."""
    segment = hop.segment or Segment("", "", "", (), "", "")
    extra = (hop.extra or Extra())._replace(beside=0.0)  # a hop that only ran beside a judge is one like any other
    values = hop._asdict() | {"n": 0, "segment": hop.segment is not None, "usage": None, "extra": extra}
    return values | segment._asdict() | (hop.usage or Usage())._replace(seconds=0.0)._asdict()


def _short(value: object) -> str:
    said = json.dumps(value)
    return said if len(said) <= 60 else f"{said[:57]}..."
