"""relay serve: start the servers that a scenario's models need, and end them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.options import Sets
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.engine.http.serving import Running, Wanted
    from relay.language.scenario import Model

EVERYWHERE = ("0.0.0.0", "::")


def serve(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario with models of engine http.")],
    set_: Sets = [],  # noqa: B006  typer copies it
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Where they listen. Another one than this machine's opens them to all."),
    ] = "127.0.0.1",
    vllm: Annotated[
        str, typer.Option(metavar="COMMAND", help="How vllm is called; by default $RELAY_VLLM or `vllm` of PATH.")
    ] = "",
) -> None:
    """Start `vllm serve` for the models of engine http, until Ctrl-C."""
    import asyncio
    import contextlib

    from relay.cli.interruption import Interruption
    from relay.engine.http.server import LOOPBACK
    from relay.engine.http.serving import kill_all, vllm_command
    from relay.language.reading import parse_sets, read

    if host not in (*LOOPBACK, *EVERYWHERE):
        what = "there nobody would answer at the scenario's own addresses, which are on this machine"
        raise UserError(Mistake(f"--host {host}", what, "--host 0.0.0.0 opens them to all"))
    wanted = _wanted(read(scenario, parse_sets(set_)).cells[0].scenario.models, scenario)
    command = vllm_command(vllm)
    with Interruption(kill_all) as interruption:

        async def work() -> None:
            task = asyncio.ensure_future(_serve(wanted, command, host))
            interruption.ends(asyncio.get_running_loop(), task)
            await task

        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(work())
    print("all servers have ended", flush=True)


def _wanted(models: "Mapping[str, Model]", scenario: str) -> "list[Wanted]":
    """One server an address. Raises UserError where two models want the same one."""
    from relay.engine.http.model import HttpModel
    from relay.engine.http.server import is_here

    found: dict[int, Wanted] = {}  # by port: localhost and 127.0.0.1 are one place
    for name, model in models.items():
        for each in model.wanted() if isinstance(model, HttpModel) else ():
            if not is_here(each.url):
                print(f"{name}: {each.url} is no address of this machine; not started", file=sys.stderr)
            elif (other := found.setdefault(each.port, each))._replace(url=each.url) != each:
                what = f"{other.model} and {each.model} are to be served there, and a server has one model"
                if other.model == each.model:
                    what = f"{each.model} is to be served there in two ways"
                raise UserError(Mistake(f"models.{name}: {each.url}", what, "give one of them another port"))
    if not found:
        raise UserError(Mistake(scenario, "no model of engine http is to be served on this machine"))
    return list(found.values())


async def _serve(wanted: "list[Wanted]", command: list[str], host: str) -> None:
    """Start them one after another, then wait until one ends or somebody interrupts."""
    import asyncio
    from contextlib import AsyncExitStack

    from relay.engine.http.serving import serving

    async with AsyncExitStack() as stack:
        running: list[Running] = []
        for each in wanted:
            with _Progress() as progress:
                server = serving(each, each.command(command, host), progress.tell)
                running.append(await stack.enter_async_context(server))
            print(_shown(f"{each.model}: {each.url}"), flush=True)
        print("serving; Ctrl-C ends", flush=True)
        ending = [asyncio.ensure_future(server.ended()) for server in running]
        try:
            done, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each_ending in ending:
                each_ending.cancel()
        raise next(iter(done)).result()


class _Progress:
    """How far a server is: one line that changes in a terminal, a line now and then elsewhere."""

    EVERY = 10.0  # seconds between two lines

    def __init__(self) -> None:
        self._last = float("-inf")
        self._drawn = False

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", flush=True)

    def tell(self, words: str) -> None:
        """It is so far."""
        from time import monotonic

        if sys.stdout.isatty():
            self._drawn = True
            print(f"\r\x1b[K{_shown(words)[:100]}", end="", flush=True)
        elif monotonic() - self._last > self.EVERY:
            self._last = monotonic()
            print(_shown(words), flush=True)


def _shown(words: str) -> str:
    from relay.tui.safe import one_line

    return one_line(words, 200)
