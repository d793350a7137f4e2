"""A process that can do no harm: bubblewrap around Python, with no network, no files of the user's, and no way out.

What runs inside sees a read-only Python, an empty folder for temporary files and itself. It is killed with all that it
started when its deadline is over, when it is not wanted any more, and when relay ends.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from relay.errors import Mistake, UserError
from relay.verifiers import seccomp

INSIDE = Path(__file__).parent / "inside"
LIBRARIES = ("numpy", "numpy.libs", "sympy", "mpmath")  # what programs may import beside Python's own
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
TASKS = 64  # threads of one process
FOLDER = 16 << 20  # bytes of its temporary folder
SECONDS = 10.0  # that the try-out may take
_ENVIRONMENT = {
    "PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
}  # fmt: skip
_INSTEAD = "install it (Debian: apt-get install bubblewrap), or trust the models with this machine: --sandbox none"
_uids = itertools.count(1_879_000_000 + os.getpid() % 100_000 * 100)


class Sandbox(NamedTuple):
    """How a process is started in it."""

    name: str  # "bubblewrap", or "none"
    wrap: tuple[str, ...]  # the command before the program
    own_users: bool = False  # each process becomes a user of its own
    filter: bytes = b""  # of system calls
    folder: str = "/relay"  # where the process finds what runs inside
    libraries: str = "/libraries"

    @property
    def facts(self) -> str:
        """What it is made of, in words."""
        if not self.wrap:
            return "none: the programs of models run as you, on this machine"
        return ", ".join(
            [self.name, "system calls filtered" if self.filter else "system calls not filtered (no libseccomp)"]
        )

    def start(self, role: str, fd: int, *, seconds: int, memory: int) -> "subprocess.Popen[bytes]":
        """Start a candidate or a tester that talks over this socket. Raises OSError."""
        uid = next(_uids) if self.own_users else 0
        limits = (uid, seconds, memory, TASKS if self.wrap else 0)
        path = [self.folder, self.libraries] if self.wrap else [self.folder, *_library_folders()]
        code = f"import sys; sys.path += {path!r}; from inside import {role}; {role}.{ROLES[role]}()"
        program = [_python(), "-S", "-s", "-P", "-c", code, str(fd), *map(str, limits)]
        fds = [fd]
        with _passed(self.filter) as rules:
            wrap = list(self.wrap)
            if rules is not None:
                fds.append(rules)
                wrap += ["--seccomp", str(rules)]
            return subprocess.Popen(
                [*wrap, *(["--"] if wrap else []), *program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=_ENVIRONMENT,
                pass_fds=fds,
                start_new_session=True,
            )


ROLES = {"candidate": "start", "tester": "main"}
NONE = Sandbox("none", (), folder=str(INSIDE.parent), libraries="")


@cache
def here() -> Sandbox:
    """The sandbox of this machine, tried out. Raises UserError, which says what is missing."""
    where = shutil.which("bwrap")
    if where is None or not sys.platform.startswith("linux"):
        raise UserError(Mistake("the sandbox", "bubblewrap (bwrap) is not installed", _INSTEAD))
    why = ""
    for sandbox in _ways(where):
        why = _tried(sandbox)
        if not why:
            return sandbox
    raise UserError(Mistake("the sandbox", f"bubblewrap does not run here: {why}", _INSTEAD))


def _ways(bwrap: str) -> Iterator[Sandbox]:
    """Root makes each process a user of its own; others, and root in a container, take a namespace of users."""
    rules = seccomp.program() or b""
    if os.geteuid() == 0:
        rights = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
        yield Sandbox("bubblewrap", (bwrap, *rights, *_walls()), True, rules)
    user = ("--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")
    yield Sandbox("bubblewrap", (bwrap, *user, *_walls()), False, rules)


def _walls() -> list[str]:
    """What the process sees, and what it is cut off from."""
    walls, made = list[str](), {"/"}

    def bind(how: str, source: str, place: str) -> None:
        for folder in reversed(Path(place).parents):  # bubblewrap would make them for root alone
            if str(folder) not in made:
                walls.extend(("--perms", "0755", "--dir", str(folder)))
                made.add(str(folder))
        walls.extend((how, source, place))
        made.add(place)

    walls += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    walls += ["--die-with-parent", "--new-session"]
    prefix = sys.base_prefix
    for path in dict.fromkeys((*_system(), *_python_of(prefix))):
        if os.path.islink(path):
            bind("--symlink", os.readlink(path), path)
        elif os.path.exists(path):
            bind("--ro-bind", path, path)
    for packages in _packages_of(prefix):  # what else is installed is nobody's business: it may hold the answers
        walls += ["--perms", "0555", "--size", "4096", "--tmpfs", packages]
    bind("--ro-bind", str(INSIDE), "/relay/inside")
    for name in LIBRARIES:
        if (found := _library(name)) is not None:
            bind("--ro-bind", str(found), f"/libraries/{name}")
    for device in DEVICES:
        bind("--dev-bind", device, device)
    return [*walls, "--perms", "1777", "--size", str(FOLDER), "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp"]


def _system() -> list[str]:
    """Where the shared libraries of this system are: in one folder of its kind of machine, or in all of /usr/lib."""
    own = sysconfig.get_config_var("MULTIARCH") or "none"
    libraries = f"/usr/lib/{own}" if os.path.isdir(f"/usr/lib/{own}") else "/usr/lib"
    return [libraries, "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"]


def _python_of(prefix: str) -> list[str]:
    """Python's own folder; of one that came with the system, its library and the interpreter alone."""
    if prefix not in ("/", "/usr"):
        return [prefix]
    return [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), _python()]


def _packages_of(prefix: str) -> list[str]:
    """The folders of packages that lie within Python's own."""
    given = {"base": prefix, "platbase": prefix, "installed_base": prefix, "installed_platbase": prefix}
    found = {sysconfig.get_path(which, vars=given) for which in ("purelib", "platlib")}
    return sorted(path for path in (*found, "/usr/lib/python3/dist-packages") if os.path.isdir(path))


def _library(name: str) -> Path | None:
    spec = importlib.util.find_spec(name.partition(".")[0])
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))).parent / name
    return path if path.is_dir() else None


def _library_folders() -> list[str]:
    return sorted({str(found.parent) for name in LIBRARIES if (found := _library(name)) is not None})


def _python() -> str:
    """The interpreter itself, and no virtual environment's link to it."""
    return os.path.realpath(sys.executable)


def _tried(sandbox: Sandbox) -> str:
    """Why this does not work here; empty when it does."""
    import socket

    mine, theirs = socket.socketpair()
    with mine, theirs:
        try:
            process = sandbox.start("candidate", theirs.fileno(), seconds=10, memory=1 << 30)
        except OSError as error:
            return str(error)
        theirs.close()
        with process:
            mine.settimeout(SECONDS)
            try:
                if mine.recv(1):
                    return ""
            except TimeoutError:
                return f"it did not start within {SECONDS:g} s"
            finally:
                process.kill()
            said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
            return said.splitlines()[-1][:300] if said else "it ended at once"


class _passed:  # noqa: N801  # a verb
    """A pipe from which a child reads these bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fd: int | None = None

    def __enter__(self) -> int | None:
        if self._data:
            self._fd, writing = os.pipe()
            os.write(writing, self._data)
            os.close(writing)
        return self._fd

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
