"""Processes that end with the one that started them, however it ends."""

import subprocess
import sys

STARTS = """\
import subprocess, sys
from relay.engine.guardian import Guardian, begun_since, running
others = running()
child = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"])
guardian = Guardian(begun_since(others))
print("ready", flush=True)
sys.stdin.readline()
"""


def test_whoever_is_killed_takes_those_along_that_it_started() -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert {process.stdout.readline(), process.stdout.readline()} == {"up\n", "ready\n"}
    process.kill()
    process.wait()
    assert process.stdout.read() == ""  # its child held this pipe, too: it is gone
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
