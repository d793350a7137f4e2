"""Servers that relay starts: waited for, told about when they fail, and ended with all that they started."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.engine.http.model import HttpModel
from relay.engine.http.serving import Wanted, serving, vllm_command
from relay.errors import EngineError, UserError
from tests.engine.stand_in import words_in
from tests.engine.test_http import request, said

PROGRAM = str(Path(sys.executable).with_name("relay"))
FAKE = """\
import asyncio, os, signal, subprocess, sys
sys.path.insert(0, {root!r})
from tests.engine.stand_in import StandIn

async def main():
    port = int(sys.argv[sys.argv.index("--port") + 1])
    host = sys.argv[sys.argv.index("--host") + 1]
    name = sys.argv[sys.argv.index("--served-model-name") + 1]
    print("loading", *sys.argv[1:], flush=True)
    stays = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", stays])
    with open({pids!r}, "a") as file:
        print(os.getpid(), child.pid, host, file=file)
    if "--break" in sys.argv:
        child.kill()
        print("ValueError: no such dtype")
        sys.exit(3)
    server = StandIn(model=name)
    told = server._told
    server._told = lambda method, path, body: (200, {{}}) if path == "/health" else told(method, path, body)
    await asyncio.sleep(0.5)
    await server.listen(port)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command that behaves as `vllm serve` does, as far as relay sees; its processes stand in `pids`."""
    fake = tmp_path / "fake.py"
    fake.write_text(FAKE.format(root=str(Path(__file__).parents[2]), pids=str(tmp_path / "pids")))
    monkeypatch.setenv("RELAY_VLLM", f"{sys.executable} {fake}")
    return tmp_path / "pids"


def gone(pids: Path) -> bool:
    """Whether none of the processes that were started runs any more; those that were killed need a moment."""
    deadline = time.monotonic() + 5
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pids)


def alive(pids: Path) -> list[int]:
    """Which of the processes that were started still run."""
    if not pids.exists():
        return []
    found = []
    for pid in (int(word) for line in pids.read_text().splitlines() for word in line.split()[:2]):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[0] != "Z":
            found.append(pid)
    return found


def wanted(port: int, *args: str) -> Wanted:
    return Wanted("stand/in", "/models/x", f"http://127.0.0.1:{port}/v1", "float32", 512, args)


def test_the_command_says_all_that_the_scenario_does() -> None:
    said = wanted(8123, "--enforce-eager").command(["vllm"], "127.0.0.1")
    assert said == [
        "vllm", "serve", "/models/x", "--served-model-name", "stand/in", "--host", "127.0.0.1", "--port", "8123",
        "--dtype", "float32", "--max-model-len", "512", "--enable-prompt-tokens-details",
        "--scheduling-policy", "priority", "--enforce-eager",
    ]  # fmt: skip


async def test_a_server_is_waited_for_and_ended_with_its_children(vllm: Path, port: int) -> None:
    told: list[str] = []
    async with serving(wanted(port), wanted(port).command(vllm_command(), "127.0.0.1"), told.append) as running:
        assert len(alive(vllm)) == 2
        assert "loading serve /models/x" in running.tail()[0]
        assert any("stand/in" in line for line in told)
    assert gone(vllm)


async def test_a_server_that_fails_is_told_with_the_end_of_its_log(vllm: Path, port: int) -> None:
    with pytest.raises(UserError) as caught:
        async with serving(wanted(port), wanted(port, "--break").command(vllm_command(), "127.0.0.1")):
            pass
    assert "ended with 3 before it answered" in str(caught.value)
    assert "| ValueError: no such dtype" in str(caught.value)
    assert gone(vllm)


async def test_a_port_that_is_taken_is_refused(vllm: Path, port: int) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    async with server:
        with pytest.raises(UserError, match="somebody listens there already"):
            async with serving(wanted(port), ["true"]):
                pass
    assert gone(vllm)


async def test_a_model_may_have_its_server_started(vllm: Path, port: int, tmp_path: Path) -> None:
    tree = {
        "engine": "http", "model": "stand/in", "url": f"http://127.0.0.1:{port}", "tokenizer": words_in(tmp_path),
        "serve": True, "context": 512,
    }  # fmt: skip
    engine = await HttpModel.model_validate(tree).open()
    assert len(alive(vllm)) == 2
    await engine.aclose()
    assert gone(vllm)


async def test_what_fails_because_its_server_died_says_how_that_ended(vllm: Path, port: int, tmp_path: Path) -> None:
    tree = {
        "engine": "http", "model": "stand/in", "url": f"http://127.0.0.1:{port}", "tokenizer": words_in(tmp_path),
        "serve": True, "context": 512, "retries": 0,
    }  # fmt: skip
    engine = await HttpModel.model_validate(tree).open()
    os.kill(alive(vllm)[0], signal.SIGKILL)
    async with asyncio.timeout(10):
        while not engine.obituaries[0]():  # noqa: ASYNC110  a process is waited for
            await asyncio.sleep(0.02)
    with pytest.raises(EngineError, match="`vllm serve stand/in` ended with -9, and said last: loading serve"):
        await said(engine, request(engine, tokens=5))
    await engine.aclose()
    assert gone(vllm)


def test_where_there_is_no_vllm_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_VLLM", "/nowhere/vllm --x")
    with pytest.raises(UserError, match="there is no command '/nowhere/vllm --x'"):
        vllm_command()
    assert vllm_command(f"{sys.executable} -m vllm") == [sys.executable, "-m", "vllm"]


SCENARIO = """\
relay: 1
models:
  a: {{engine: http, model: one, url: "http://127.0.0.1:{port}/v1", args: [{args}]}}
  b: {{engine: http, model: one, url: "http://127.0.0.1:{port}/v1", args: [{args}]}}
  c: {{engine: http, model: far, url: "http://far.example/v1"}}
problems: {{from: sums, limit: 2}}
graph: {{start: a, answer: a, nodes: {{a: {{write: a}}}}, edges: {{a: end}}}}
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_relay_serve_ends_its_servers_when_it_is_interrupted(
    vllm: Path, port: int, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.format(port=port, args=""))
    with subprocess.Popen(
        [PROGRAM, "serve", "s.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("serving"):
                break
        assert len(alive(vllm)) == 2  # one server for both names, and its child
        assert vllm.read_text().split()[2] == "127.0.0.1"
        process.send_signal(number)
        assert process.stdout.readline() == "all servers have ended\n"
        assert process.wait(20) == 0
    assert gone(vllm)
    assert f"one: http://127.0.0.1:{port}/v1\n" in said
    assert "c: http://far.example/v1 is no address of this machine; not started\n" in said


def test_relay_serve_that_is_killed_takes_its_servers_along(vllm: Path, port: int, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.format(port=port, args=""))
    with subprocess.Popen([PROGRAM, "serve", "s.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("serving"):
                break
        assert len(alive(vllm)) == 2
        process.kill()
    assert gone(vllm)


@pytest.mark.parametrize(
    ("url", "more", "what"),
    [
        ("https://localhost:8123/v1", "", "speaks plain http, below /v1"),
        ("http://localhost:8123/openai", "", "speaks plain http, below /v1"),
        ("http://far.example/v1", "", "no model of engine http is to be served on this machine"),
        ("http://localhost:8123/v1", "--host 10.0.0.1", "nobody would answer at the scenario's own addresses"),
        ("http://localhost:8123/v1", "--vllm /nowhere", "there is no command '/nowhere'"),
        ("http://localhost:8123/v1", "--set models.b.model=two", "one and two are to be served there"),
        ("http://localhost:8123/v1", "--set models.b.dtype=float32", "one is to be served there in two ways"),
    ],
)
def test_what_could_never_answer_is_refused_at_once(url: str, more: str, what: str, port: int, tmp_path: Path) -> None:
    text = SCENARIO.format(port=port, args="").replace(f"http://127.0.0.1:{port}/v1", url, 1)
    second = "http://127.0.0.1:8123/v1" if "models.b" in more else url
    (tmp_path / "s.yaml").write_text(text.replace(f"http://127.0.0.1:{port}/v1", second))
    done = subprocess.run(
        [PROGRAM, "serve", "s.yaml", *more.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert what in " ".join(done.stderr.split())


def test_a_server_at_the_other_loopback_listens_there() -> None:
    said = wanted(8123)._replace(url="http://[::1]:8123/v1")
    assert said.command(["vllm"], "127.0.0.1")[6:8] == ["::1", "--port"]
    assert said.command(["vllm"], "0.0.0.0")[6:8] == ["0.0.0.0", "--port"]


def test_a_server_that_dies_later_is_told(vllm: Path, port: int, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.format(port=port, args=""))
    with subprocess.Popen(
        [PROGRAM, "serve", "s.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("serving"):
                break
        os.kill(int(vllm.read_text().split()[0]), signal.SIGKILL)
        said = process.stdout.read()
        assert process.wait(20) == 2
    assert "vllm serve one: ended with -9; the last lines of its log:" in said
    assert gone(vllm)


def test_relay_run_interrupted_twice_leaves_no_server(vllm: Path, port: int, tmp_path: Path) -> None:
    """The second signal ends relay where it stands; the server must not outlive it."""
    text = SCENARIO.format(port=port, args='"--never"').replace(
        "args:", f"tokenizer: {words_in(tmp_path)}, serve: true, args:"
    )
    fake = tmp_path / "fake.py"
    fake.write_text(
        fake.read_text().replace("    await server.listen(port)\n", "    signal.signal(15, signal.SIG_IGN)\n")
    )
    (tmp_path / "s.yaml").write_text(text)
    with subprocess.Popen([PROGRAM, "run", "s.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not vllm.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)  # the server has set its signals
        process.send_signal(signal.SIGINT)
        time.sleep(1.5)  # more than what passes for the same signal
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert gone(vllm)
