"""What the engines of a recorded run were asked and said, on its way into the run file: each call beside its hop."""

import zlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from relay.engine import Engine
from relay.engine.record import Call, Recording
from relay.store.calls import INSERT_ASIDE, INSERT_CALL, MOST_CALLS, row_of_aside, row_of_call
from relay.store.schema import RECORDING
from relay.store.writer import RunWriter
from relay.walk import TAKEN_BACK, Hop


class Visit(NamedTuple):
    """Where a call belongs: one visit of a node by a pen, in one rollout."""

    cell: str
    problem: str
    sample: int
    pen: str
    node: str
    visit: int


class Tape:
    """Calls that wait for their hop. A call whose hop was never committed is not kept: it will be made once more."""

    def __init__(self, writer: RunWriter, nodes: Collection[str]) -> None:
        """`nodes`: those of the run's graphs. Calls from elsewhere (the pool, judges) wait for no hop."""
        self._writer = writer
        self._nodes = frozenset(nodes)
        self._waiting: dict[Visit, list[Call]] = {}

    def around(self, engines: Mapping[str, Engine]) -> dict[str, Engine]:
        """These engines, recorded."""
        return {name: Recording(name, engine, self.note) for name, engine in engines.items()}

    def note(self, call: Call) -> None:
        """A call has ended."""
        problem, sample, node, visit, pen = call.purpose
        if node in self._nodes:
            self._waiting.setdefault(Visit(call.cell, problem.id, sample, pen, node, visit), []).append(call)
        else:
            self._writer.beside(INSERT_ASIDE, row_of_aside(call, self._writer.names))

    def hop(self, step: int, visit: Visit, hop: Hop) -> None:
        """The hop of this visit was committed as this step: its calls go down with it."""
        if hop.extra is not None and hop.extra.apart == TAKEN_BACK:
            return  # its call goes down with what was kept
        for place, call in enumerate(self._waiting.pop(visit, ())[:MOST_CALLS]):
            self._writer.beside(INSERT_CALL, row_of_call(step, place, call, hop, self._writer.names))


def lay_out(writer: RunWriter, identity: str, *, logprobs: bool = False) -> None:
    """Make this a recorded run: its tables, and a name that tells this recording from every other one."""
    writer.add_tables(RECORDING)
    writer.put_meta(recording={"id": identity, "models": {}, "logprobs": logprobs, "scores": True})


def logprobs(writer: RunWriter) -> bool:
    """Whether it records how probable each written token was."""
    return bool((writer.meta("recording") or {}).get("logprobs"))


def put_words(writer: RunWriter, engines: Mapping[str, Engine]) -> None:
    """Keep what it takes to read these models' ids without their files; within `at_once`."""
    models = {}
    for name, engine in engines.items():
        tokenizer, print_ = engine.tokenizer, engine.tokenizer.fingerprint
        if not writer.query("SELECT 1 FROM tokenizer WHERE fingerprint = ?", print_):
            writer.put("tokenizer", [(print_, zlib.compress(tokenizer.json.encode()))])
        models[name] = {
            "tokenizer": print_,
            "eos": sorted(tokenizer.eos),
            "context": engine.context,
            "template": engine.template.spec,
        }
    writer.put_meta(recording={**writer.meta("recording"), "models": models})
