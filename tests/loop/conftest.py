"""Running a scenario in a test: text in, run file out."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from relay.batch import Tally
from relay.engine import Delta, Engine, Request
from relay.language.reading import Reading, read
from relay.session import Options, Outcome, resume, start


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.phases: list[str] = []
        self.tally = Tally()

    def phase(self, name: str, tally: Tally) -> None:
        self.phases.append(name)
        self.tally = tally

    def note(self, text: str) -> None:
        self.notes.append(text)


class Recording:
    """An engine around an engine that keeps every request, as it came; `closes`: the inner one with it."""

    def __init__(self, inner: Engine, *, closes: bool = True) -> None:
        self.inner, self._closes = inner, closes
        self.tokenizer, self.template = inner.tokenizer, inner.template
        self.context, self.facts, self.rows = inner.context, inner.facts, inner.rows
        self.requests: list[Request] = []

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.requests.append(request._replace(prompt=request.prompt[:]))
        async for delta in self.inner.extend(request):
            yield delta

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def aclose(self) -> None:
        if self._closes:
            await self.inner.aclose()


class Bench:
    """A folder in which scenarios are written and run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watcher = Silent()
        self.engines: dict[str, Recording] = {}
        self.given: dict[str, Engine] = {}  # engines that take the place of the scenario's

    def write(self, text: str, name: str = "s.yaml") -> Path:
        path = self.folder / name
        path.write_text(dedent(text))
        return path

    async def start_canned(self, name: str, sets: Mapping[str, str], out: str = "out.relay") -> Outcome:
        return await self._go(read(name, sets), out)

    async def start(
        self, text: str, out: str = "out.relay", sets: Mapping[str, str] | None = None, **options: object
    ) -> Outcome:
        return await self._go(read(str(self.write(text)), sets or {}), out, **options)

    async def _go(self, reading: Reading, out: str, **options: object) -> Outcome:
        models = reading.cells[0].scenario.models
        spoken = {name: await model.open(deterministic=False) for name, model in models.items()}
        self.engines = {name: Recording({**spoken, **self.given}[name]) for name in spoken}
        chosen = Options(pool=self.folder / "pool.sqlite", **options)  # type: ignore[arg-type]
        return await start(reading, self.folder / out, chosen, self.watcher, self.engines)

    async def resume(self, out: str = "out.relay") -> Outcome:
        return await resume(self.folder / out, Options(pool=self.folder / "pool.sqlite"), self.watcher)

    def run(self, text: str, **options: object) -> Outcome:
        return asyncio.run(self.start(text, **options))  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


Starter = Callable[[str], Outcome]
