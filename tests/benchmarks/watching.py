"""The monitor beside a busy run: 1,000 rollouts in flight, 20,000 tokens a second in all, in real time.

The runner has the first of this machine's cores, `relay watch`, in a terminal of its own, the second. The simulated
engine's words come at their pace, five tokens of each rollout four times a second. Windows without the monitor, with it
and beside a stranger alternate; processor seconds are the processes' own, of all their threads. The stranger keeps the
second core as busy as the monitor did and reads nothing: what it costs the run is the machine's doing (two cores of a
virtual machine may share a real one, its caches and its clock).

    python tests/benchmarks/watching.py [--seconds 100] [--json]

A key is answered when what it calls for (the help, the words of the filter) has come out of the terminal. Memory is
a line through the resident size of the monitor, the first third of each window left out.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bounds import told

from relay.batch import Tally
from relay.engine import Delta, Request
from relay.engine.simulated import Simulated, SimulatedModel
from relay.language.reading import from_tree
from relay.session import Options, start
from relay.trajectory import Usage

IN_FLIGHT, RATE, PIECE, EVERY = 1_000, 20.0, 5, 0.25  # rollouts, tokens a second of each, tokens and seconds a delta
WARM = 40.0  # seconds before the first window, until rollouts are at different places
STARTED = 20.0  # seconds of a monitor before its window, in which it loads what intervals need
ROUNDS = 3  # of windows without and with a monitor
SCENARIO = {
    "relay": 1,
    "title": "A busy run",
    "models": {"main": {"engine": "simulated", "tokens": {"mean": 900}}},
    "problems": {"from": "chains", "limit": 2000},
    "graph": {
        "start": "think",
        "answer": "think",
        "nodes": {"think": {"write": "main", "until": [{"tokens": 64}]}},
        "edges": {"think": [{"when": "answered", "to": "end"}, "think"]},
    },
    "samples": 50,
    "sampling": {"temperature": 0.6},
}
_FIRST = {True: ("chrt", "-r", "1"), False: ()}
TICK = os.sysconf("SC_CLK_TCK")


class Paced(Simulated):
    """The simulated engine in real time."""

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        ids = [i for i in self._says(request) if i not in request.banned][: request.cut.tokens]
        said, now = 0, time.perf_counter()
        for at in range(0, len(ids), PIECE):
            now += EVERY  # a late one is made up for
            await asyncio.sleep(max(0.0, now - time.perf_counter()))
            piece = tuple(ids[at : at + PIECE])
            taken = next((n for n, i in enumerate(piece, 1) if request.cut.feed((i,))), len(piece))
            said += taken
            last = request.cut.ended or at + PIECE >= len(ids)
            usage = Usage(len(request.prompt), 0, said, seconds=EVERY * (at // PIECE + 1)) if last else None
            yield Delta(piece[:taken], usage)
            if request.cut.ended:
                return


class Quiet:
    """Nobody looks at the run's own display."""

    def phase(self, name: str, tally: Tally) -> None:
        """A phase begins."""

    def note(self, text: str) -> None:
        """Something is to be said."""


async def walk(path: Path) -> None:
    """The run, until it is interrupted."""
    model = SimulatedModel.model_validate(SCENARIO["models"]["main"])  # type: ignore[index]
    engine = Paced(model.known(), await model.words())
    reading = from_tree(SCENARIO, "watching.py")
    await start(reading, path, Options(in_flight=IN_FLIGHT), Quiet(), {"main": engine})


class Process(NamedTuple):
    """A process that is measured."""

    pid: int

    @property
    def cpu(self) -> float:
        """Its processor seconds so far, and those of processes that it started and that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICK

    @property
    def memory(self) -> float:
        """Its resident size, in MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Terminal:
    """`relay watch` in a terminal of 120 columns and 36 lines, on a core of its own."""

    def __init__(self, path: Path, core: int, *, before_others: bool) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        command = ["taskset", "-c", str(core), *_FIRST[before_others], sys.executable, "-c", _WATCH, str(path)]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)
        self._master, self._seen, self._more = master, b"", threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for("rollouts", 60.0)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:
                return
            with self._more:
                self._seen = (self._seen + data)[-200_000:]
                self._more.notify_all()

    def press(self, key: str) -> None:
        """Press a key; what was written before is forgotten."""
        with self._more:
            self._seen = b""
        os.write(self._master, key.encode())

    def wait_for(self, words: str, seconds: float = 5.0) -> float:
        """Seconds until these words came out; as long as it was waited, where they did not."""
        began = time.perf_counter()
        with self._more:
            self._more.wait_for(lambda: words.encode() in self._seen, seconds)
        return time.perf_counter() - began

    def close(self) -> None:
        """End it as its terminal's end would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        os.close(self._master)


class Stranger:
    """A process that keeps a core busy for such a share of the time, four times a second, and looks at no file."""

    def __init__(self, core: int, share: float, *, before_others: bool) -> None:
        command = ["taskset", "-c", str(core), *_FIRST[before_others], sys.executable, "-c", _BUSY, str(share * EVERY)]
        self.process = subprocess.Popen([*command, str(EVERY)])

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


_BUSY = """
import json, sys, time
busy, every = map(float, sys.argv[1:])
rows = [{"n": n, "text": "so many words " * 9} for n in range(2000)]
while True:
    began = time.perf_counter()
    while time.perf_counter() - began < busy:
        json.loads(json.dumps(rows[:100]))
    time.sleep(max(0.0, every - (time.perf_counter() - began)))
"""
_WATCH = "from relay.cli import main; import sys; main(['watch', sys.argv[1]])"
KEYS = (("?", "under the cursor", "?"), ("/", "must all hold", "\x1b"))  # what is pressed, what comes, what leads back


class Window(NamedTuple):
    """What was seen in one window."""

    seconds: float
    tokens: int
    runner: float  # processor seconds
    monitor: float
    keys: Sequence[float]  # seconds
    memory: Sequence[tuple[float, float]]  # seconds, MB


def window(path: Path, runner: Process, seconds: float, terminal: Terminal | None) -> Window:
    """So many seconds, with keys pressed where there is a monitor."""
    monitor = Process(terminal.process.pid) if terminal is not None else None
    began, tokens, spent = time.perf_counter(), written(path), runner.cpu
    mine = monitor.cpu if monitor is not None else 0.0
    keys, memory = list[float](), list[tuple[float, float]]()
    number = 0
    while (now := time.perf_counter() - began) < seconds:
        if terminal is None or monitor is None:
            time.sleep(0.5)
            continue
        memory.append((time.perf_counter(), monitor.memory))
        key, words, back = KEYS[number % 2]
        number += 1
        terminal.press(key)
        keys.append(terminal.wait_for(words))
        time.sleep(0.2)
        terminal.press(back)
        time.sleep(0.5)
    after = monitor.cpu if monitor is not None else 0.0
    return Window(now, written(path) - tokens, runner.cpu - spent, after - mine, keys, memory)


def written(path: Path) -> int:
    """Tokens so far, those of open segments too."""
    from relay.store.following import Following

    following = Following(path)
    seen = following.look()
    while seen.behind:
        seen = following.look()
    return seen.tokens


def slope(points: Sequence[tuple[float, float]]) -> float:
    """MB an hour: least squares, the first third left out."""
    points = points[len(points) // 3 :]
    x, y = ([p[i] for p in points] for i in (0, 1))
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return 3600 * sum((a - mx) * (b - my) for a, b in points) / sum((a - mx) ** 2 for a in x)


def measure(seconds: float, rounds: int, *, before_others: bool) -> dict[str, float]:
    """Windows without a monitor, with one, and beside a stranger, by turns."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "busy.relay"
        command = ["taskset", "-c", str(first), *_FIRST[before_others], sys.executable, __file__, "--walk", str(path)]
        process = subprocess.Popen(command)
        runner = Process(process.pid)
        try:
            while not path.exists():
                time.sleep(0.2)
            time.sleep(WARM)
            off, on, beside = list[Window](), list[Window](), list[Window]()
            for _ in range(rounds):
                off.append(window(path, runner, 0.6 * seconds, None))
                terminal = Terminal(path, second, before_others=before_others)
                time.sleep(STARTED)
                on.append(window(path, runner, seconds, terminal))
                terminal.close()
                stranger = Stranger(second, on[-1].monitor / on[-1].seconds, before_others=before_others)
                beside.append(window(path, runner, 0.6 * seconds, None))
                stranger.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return figures(off, on, beside)


def figures(off: Sequence[Window], on: Sequence[Window], beside: Sequence[Window]) -> dict[str, float]:
    """What the windows come to."""
    keys = sorted(k for w in on for k in w.keys)
    without, with_, stranger = (sum(w.runner for w in ws) / sum(w.tokens for w in ws) for ws in (off, on, beside))
    took = sum(w.seconds for w in on)
    pairs = enumerate(zip(off, on, strict=True), 1)
    return {
        "rollouts in flight": IN_FLIGHT,
        "tokens a second, watched": sum(w.tokens for w in on) / took,
        "tokens a second, not watched": sum(w.tokens for w in off) / sum(w.seconds for w in off),
        "monitor, % of its core (at most 60)": 100 * sum(w.monitor for w in on) / took,
        "keys pressed": len(keys),
        "a key, ms, median": 1000 * median(keys),
        "a key, ms, 95 %": 1000 * keys[int(0.95 * (len(keys) - 1))],
        "a key, ms, 99 % (at most 100)": 1000 * keys[int(0.99 * (len(keys) - 1))],
        "monitor, MB": on[-1].memory[-1][1],
        "monitor, MB an hour, by windows of the seconds below": sum(slope(w.memory) for w in on) / len(on),
        "seconds of a window": on[0].seconds,
        "runner, % of its core, not watched": 100 * sum(w.runner for w in off) / sum(w.seconds for w in off),
        "runner, processor seconds a million tokens, not watched": 1e6 * without,
        "runner, the same watched, % more (at most 3)": 100 * (with_ / without - 1),
        "runner, the same beside a stranger as busy as the monitor, % more": 100 * (stranger / without - 1),
        "runner, watched, % more than beside the stranger": 100 * (with_ / stranger - 1),
        **{f"round {i}, % more": 100 * (b.runner / b.tokens * a.tokens / a.runner - 1) for i, (a, b) in pairs},
        "load of the machine": os.getloadavg()[0],
    }


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=100.0, help="of a window with the monitor")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--before-others", action="store_true", help="chrt -r 1: where others use this machine (root)")
    parser.add_argument("--walk", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.walk:
        asyncio.run(walk(asked.walk))
        return 0
    return told(measure(asked.seconds, asked.rounds, before_others=asked.before_others), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
