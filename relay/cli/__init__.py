"""The command line. Each command is a file; what is heavy is imported where it is used, so that --help is quick."""

import sys

import typer

from relay.errors import RelayError, UserError

MISTAKE, INTERRUPTED = 2, 130


def build() -> typer.Typer:
    """The application with all its commands."""
    from relay.cli import check, export, graph, lists, models, report, run, show

    app = typer.Typer(
        name="relay",
        help="Several reasoning models write one chain of thought. A scenario says who writes after whom.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_version_option)
    for command in (
        run.run, check.check, graph.graph, show.show, report.report, export.export,
        lists.scenarios, lists.problems, models.models,
    ):  # fmt: skip
        app.command()(command)
    return app


def _version_option(version: bool = typer.Option(False, "--version", help="Say which relay this is.", is_eager=True)) -> None:
    if version:
        from relay import __version__

        print(f"relay {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line: a user's mistakes are a line each and exit code 2."""
    try:
        build()()
    except UserError as error:
        from relay.tui.safe import visible

        for mistake in error.mistakes:
            print(visible(str(mistake)), file=sys.stderr)
        sys.exit(MISTAKE)
    except RelayError as error:
        print(f"relay: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `relay show RUN | head` is no mistake
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
