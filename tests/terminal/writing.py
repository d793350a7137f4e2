"""A program that writes a run file step by step, as it is told on its standard input. For test_monitor_live.py."""

import sys
import time
from pathlib import Path

from relay.events import Tokens
from relay.store.gathered import Begun, Graded
from relay.store.writer import RunWriter
from relay.trajectory import Segment, Usage
from relay.walk import Hop, StopReason

SCENARIO = {
    "title": "A run that goes on",
    "models": {"m": {"engine": "scripted"}},
    "graph": {
        "start": "think",
        "nodes": {"think": {"write": "m"}},
        "edges": {"think": [{"to": "think"}, {"to": "end"}]},
    },
    "samples": 1,
}


def segment(text: str) -> Segment:
    """A segment of as many tokens as words."""
    return Segment("think", "m", text, tuple(range(len(text.split()))), "t", "sentences", "")


def main() -> None:
    """Obey, one line at a time, and say so."""
    writer = RunWriter.create(Path(sys.argv[1]))
    with writer.at_once():
        writer.put_meta(scenario=SCENARIO, source="s.yaml", phase="walking", made=time.time(), samples=1)
        writer.put_meta(verifiers={"math": "math"})
        writer.put("problem", [(i, f"p-{i}", "math", f"Question {i}?", "2", "h", None) for i in range(3)])
        writer.put("cell", [(0, "all", "{}")])
        writer.put_names()
    print("ready", flush=True)
    for line in sys.stdin:
        word, _, text = line.strip().partition(" ")
        if word == "begin":
            writer.begin(Begun(int(text), int(text), 0, 0))
        elif word == "live":
            writer.live(0, Tokens("0", "think", 1, len(text.split()), text))
        elif word == "hop":
            usage = Usage(10, 5, len(text.split()), 0, 0.2)
            writer.hop(0, Hop("0", 0, "think", 1, "end", segment(text), usage, StopReason.END))
        elif word == "end":
            writer.end(0, StopReason.END, "", Graded("math", text, "2", "", 0.0))
        elif word == "finish":
            with writer.at_once():
                writer.put_meta(phase="done", ended=time.time())
            writer.close(finished=True)
            print("finished", flush=True)
            return
        writer.flush()
        print("ok", flush=True)


if __name__ == "__main__":
    main()
