"""What all tests share: the right checkout, the paths of real material, the sandbox of this machine."""

import os
from pathlib import Path

import pytest

from relay.errors import UserError
from relay.verifiers import sandbox

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop when relay comes from another checkout: every result would be about other code."""
    import relay
    import relay.verifiers

    for module in (relay, relay.verifiers):
        found = Path(str(module.__file__)).resolve()
        if ROOT not in found.parents:
            pytest.exit(f"{module.__name__} comes from {found}, not from {ROOT}: run `make install`", returncode=3)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real traces and problems, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("the real traces and problems (../shared) are not here")
    return SHARED


WITHOUT = "RELAY_TESTS_WITHOUT_SANDBOX"  # set it where bubblewrap cannot run


def _ways() -> list[sandbox.Sandbox]:
    try:
        sandbox.here()
    except UserError:
        return []
    return [way for way in sandbox._ways("bwrap") if not sandbox._tried(way)]


@pytest.fixture(scope="session")
def walls() -> sandbox.Sandbox:
    """The sandbox that this machine uses. Without one a test fails, unless the machine says that it cannot have it."""
    try:
        return sandbox.here()
    except UserError as error:
        if os.environ.get(WITHOUT):
            pytest.skip(str(error))
        pytest.fail(f"{error}; where that cannot be had: {WITHOUT}=1", pytrace=False)


@pytest.fixture(scope="session", params=["own users", "a namespace of users"])
def each_walls(request: pytest.FixtureRequest, walls: sandbox.Sandbox) -> sandbox.Sandbox:
    """Every way that this machine has of building one; root has two."""
    for way in _ways():
        if way.own_users == (request.param == "own users"):
            return way
    pytest.skip("only root has this way" if request.param == "own users" else "there are no namespaces of users here")
