"""What all tests share: the right checkout, the paths of real material, small helpers."""

from pathlib import Path

import pytest

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
