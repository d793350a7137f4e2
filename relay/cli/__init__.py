"""The command line. Each command is a file; what is heavy is imported where it is used, so that --help is quick."""

import atexit
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from relay.errors import RelayError, UserError

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # the same name for click's and for typer's own


def build() -> typer.Typer:
    """The application with all its commands."""
    from relay.cli import (
        check,
        compare,
        credit,
        doctor,
        export,
        fork,
        graph,
        lists,
        models,
        pool,
        replay,
        report,
        run,
        serve,
        show,
        train,
        twin,
        twin_diff,
        watch,
    )

    app = typer.Typer(
        name="relay",
        help="Several reasoning models write one chain of thought. A scenario says who writes after whom.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_version_option)
    for command in (
        run.run, twin.twin, serve.serve, check.check, graph.graph, watch.watch, show.show, report.report,
        compare.compare, credit.credit, export.export, fork.fork,
        replay.replay, lists.scenarios, lists.problems, models.models, doctor.doctor,
    ):  # fmt: skip
        app.command()(command)
    app.command("twin diff")(twin_diff.diff)
    app.add_typer(pool.pool, name="pool")
    app.add_typer(train.train, name="train")
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        from relay import __version__

        print(f"relay {__version__}")
        raise typer.Exit


def _version_option(
    version: Annotated[
        bool, typer.Option("--version", help="Say which relay this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    pass


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line: a user's mistakes are a line each and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character gets its number
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _code(list(sys.argv[1:] if args is None else args))
    except BrokenPipeError:  # `relay show RUN | head` is no mistake
        code = DONE
    except KeyboardInterrupt:
        _say("interrupted")
        code = INTERRUPTED
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:  # what is left to say goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    if code == INTERRUPTED:
        _leave_what_is_loading()
    sys.exit(code)


def _leave_what_is_loading() -> None:
    """End now where a model is still being loaded, once all that should be done at the end is done."""
    loading = sys.modules.get("relay.engine.background")
    if loading is not None and loading.still_loading():
        atexit._run_exitfuncs()  # Python's own end would do this too, and then abort beneath the loading
        os._exit(INTERRUPTED)


def _code(args: list[str]) -> int:
    """Run a command; how the process should end."""
    command = typer.main.get_command(build())
    if " ".join(args[:2]) in getattr(command, "commands", ()):  # a command of two words
        args = [" ".join(args[:2]), *args[2:]]
    try:
        with command.make_context("relay", list(args) or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except UsageError as error:
        from relay.cli.usage import mistake

        _say(str(mistake(error, f"relay {args[0]}" if args[0] in getattr(command, "commands", ()) else "relay")))
        return MISTAKE
    except UserError as error:
        for each in error.mistakes:
            _say(str(each))
        return MISTAKE
    except RelayError as error:
        _say(f"relay: {error}")
        return FAILED
    return DONE


def _say(words: str) -> None:
    """One line for the user, whatever stands in it."""
    from relay.tui.safe import visible

    print(visible(words).replace("\n", "\u240a"), file=sys.stderr)
