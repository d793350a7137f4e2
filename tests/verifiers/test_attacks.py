"""What a hostile program may try: none gets out, none is called correct, none hangs, and no process is left."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from pathlib import Path
from threading import Thread

import pytest

from relay.problems import Problem
from relay.verifiers import Outcome, Question, Verdict
from relay.verifiers.code import CodeVerifier
from relay.verifiers.sandbox import INSIDE, Sandbox
from tests.verifiers.attacks import CORRECT, HANG, OUT
from tests.verifiers.forgeries import FORGED

SECONDS = 1.5
ROOT = Path(__file__).parents[2]


def question(program: str, tests: str) -> Question:
    problem = Problem("p", "?", "", "code", {"form": "function", "entry_point": "f", "tests": tests})
    return Question(f"```python\n{program}\n```", True, "", "code", problem)


def ours() -> set[str]:
    """The processes of this machine that belong to a sandbox, but for those of another relay that is at work."""
    commands, parents = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                commands[folder.name] = (folder / "cmdline").read_bytes().decode(errors="replace")
                parents[folder.name] = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
    inside = {pid for pid, command in commands.items() if str(INSIDE) in command or "from inside import" in command}

    def of_others(pid: str) -> bool:
        above = []
        while pid in parents and len(above) < 100:
            pid = parents[pid]
            above.append(pid)
        if str(os.getpid()) in above:
            return False
        owner = next((each for each in above if each not in inside), "")
        return any(word in commands.get(owner, "") for word in ("relay", "pytest", "execnet"))

    return {pid for pid in inside if pid in parents and not of_others(pid)}


def none_left(before: Set[str]) -> bool:
    """Whether no process is left, or none after a moment: the kernel takes its time to take namespaces apart."""
    until = time.monotonic() + 5
    while ours() - before:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


class Bench:
    """A verifier, and the loop that it lives in."""

    def __init__(self, walls: Sandbox) -> None:
        self._runner = asyncio.Runner()
        self._verifier = self._runner.run(self._made(walls))

    @staticmethod
    async def _made(walls: Sandbox) -> CodeVerifier:
        return CodeVerifier(walls, seconds=SECONDS, workers=4)

    def grade(self, *asked: Question) -> list[Verdict]:
        async def work() -> list[Verdict]:
            return list(await asyncio.gather(*map(self._verifier.grade, asked)))

        return self._runner.run(work())

    def close(self) -> None:
        self._runner.run(self._verifier.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def bench(each_walls: Sandbox) -> Iterator[Bench]:
    before = ours()
    found = Bench(each_walls)
    yield found
    found.close()
    assert none_left(before)


class World:
    """What could be reached from outside the walls: a port, a socket, a file, a secret, a process."""

    def __init__(self, folder: Path) -> None:
        self.port, self.abstract = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", self.port.getsockname()[1]))
        self.name = f"relay-{secrets.token_hex(4)}"
        self.abstract.bind(f"\0{self.name}")
        self.abstract.listen()
        self.canary = folder / "canary"
        self.canary.write_text("alive")
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        self.secret = "RELAY_TEST_SECRET"

    def reached(self) -> list[str]:
        """What was."""
        found = [] if self.canary.read_text() == "alive" else ["the file"]
        for name, each in (("a port", self.port), ("a socket", self.abstract), ("datagrams", self.datagrams)):
            each.setblocking(False)
            try:
                each.recv(1) if each is self.datagrams else each.accept()
                found.append(name)
            except BlockingIOError:
                pass
        return found + (["a process"] if self.victim.poll() is not None else [])

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for each in (self.port, self.abstract, self.datagrams):
            each.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    os.environ[found.secret] = "x"
    yield found
    assert found.reached() == []
    found.close()
    del os.environ[found.secret]


def tried(name: str, world: World, secret: int) -> Question:
    """This attack, and tests that it does not know how to pass."""
    if name in OUT or name in HANG:
        program = {**OUT, **HANG}[name]
        for word, value in {
            "PORT": str(world.port.getsockname()[1]), "ABSTRACT": world.name, "CANARY": str(world.canary),
            "PROJECT": str(ROOT), "HOMEFOLDER": str(Path.home()), "SECRETNAME": world.secret,
            "VICTIM": str(world.victim.pid),
        }.items():  # fmt: skip
            program = program.replace(word, value)
        return question(program, "assert f(2) == 'out'" if name in OUT else "assert list(f(2)) == ['out']")
    tests = f"import math\ndef check(g):\n    SEC = 1\n    assert g(2) == {secret}\ncheck(f)"
    return question({**CORRECT, **FORGED}[name], tests)


NAMES = (*OUT, *CORRECT, *FORGED, *HANG)


@pytest.fixture(scope="module")
def verdicts(bench: Bench, world: World) -> dict[str, Verdict]:
    """All of them, as many at once as there are workers: each has its own deadline."""
    secret = secrets.randbelow(10**9) + 10
    found = bench.grade(*(tried(name, world, secret) for name in NAMES))
    return dict(zip(NAMES, found, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_none_gets_out_nor_is_called_correct_nor_outlives_its_deadline(name: str, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[name]
    assert verdict.outcome == Outcome.WRONG, verdict
    assert verdict.seconds < SECONDS + 2
    assert verdict.seconds >= SECONDS or name not in HANG, verdict  # it hung, and did not fail of something else
    assert len(verdict.why) < 3000


def test_nothing_outside_was_reached_by_any(verdicts: dict[str, Verdict], world: World) -> None:
    assert len(verdicts) == len(OUT) + len(CORRECT) + len(FORGED) + len(HANG) > 230
    assert world.reached() == []


def test_an_honest_program_passes_beside_hostile_ones(bench: Bench) -> None:
    honest = question("def f(x):\n    print('hello')\n    return x * 2", "assert f(2) == 4 and f(3) == 6")
    worst = ("loops", "bombs by forks", "bombs by threads", "eats and catches", "fills the folder for ever", "trickles")
    programs = [*map(HANG.__getitem__, worst), CORRECT["kills all"]]
    bad = [question(program, "assert f(2) == 4") for program in programs]
    found = bench.grade(*bad, honest, *bad, honest)
    assert [each.outcome for each in found].count(Outcome.CORRECT) == 2
    assert found[len(bad)].why == "passes its tests: 2 calls"


def test_without_system_calls_filtered_it_still_holds(each_walls: Sandbox, world: World) -> None:
    """Where libseccomp is missing the other walls stand alone: nothing is reached and nothing is left."""

    async def work() -> None:
        verifier = CodeVerifier(each_walls._replace(filter=b""), seconds=SECONDS, workers=2)
        asked = [
            question(
                OUT["connects to a port of this machine"].replace("PORT", str(world.port.getsockname()[1])), "f(2)"
            ),
            question(OUT["kills the processes of this machine"].replace("VICTIM", str(world.victim.pid)), "f(2)"),
            question(OUT["reads a file of the home"].replace("CANARY", str(world.canary)), "f(2)"),
            question("import os\ndef f(x):\n    os.fork(); os.setsid()\n    while True: pass", "f(2)"),
        ]
        found = await asyncio.gather(*map(verifier.grade, asked))
        await verifier.aclose()
        assert [each.outcome for each in found] == [Outcome.WRONG] * 4

    before = ours()
    asyncio.run(work())
    assert none_left(before)


def test_an_end_while_sandboxes_start_leaves_none(each_walls: Sandbox) -> None:
    """Each answer has the next sandboxes started: these are at work on their walls when the verifier is closed."""

    async def work() -> None:
        verifier = CodeVerifier(each_walls, seconds=SECONDS, workers=8)
        verdict = await verifier.grade(question("def f(x): return 1", "assert f(2) == 1"))
        await verifier.aclose()
        assert verdict.outcome == Outcome.CORRECT

    before = ours()
    for _ in range(5):
        asyncio.run(work())
    assert none_left(before)


ENDLESS = """
import asyncio, sys
from relay.problems import Problem
from relay.verifiers import Question, sandbox
from relay.verifiers.code import CodeVerifier
problem = Problem("p", "?", "", "code", {"form": "function", "entry_point": "f", "tests": "f(1)"})
program = "```python\\ndef f(x):\\n    while True: pass\\n```"
async def work():
    verifier = CodeVerifier(sandbox.here(), seconds=60, workers=2)
    await verifier.grade(Question("```python\\ndef f(x): return 1\\n```", True, "", "code", problem))
    print("going", flush=True)
    await verifier.grade(Question(program, True, "", "code", problem))
asyncio.run(work())
"""


def test_when_the_run_is_killed_nothing_is_left(walls: Sandbox) -> None:
    before = ours()
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        reading = Thread(target=process.stdout.readline)
        reading.start()
        reading.join(30)
        time.sleep(0.3)
        assert ours() - before
        process.kill()
    assert none_left(before)
