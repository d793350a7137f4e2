"""relay train zoo: make the small models that ship with relay again, or others like them from another seed."""

import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.errors import Mistake, UserError
from relay.tui.safe import visible

if TYPE_CHECKING:
    from relay.train.recipes import Recipe

train = typer.Typer(help="Train small reasoning models by the recipes of those that ship with relay.")

NEEDS = "training needs the extra [train]: pip install 'relay-cot[train]'"


@train.callback()
def _alone() -> None:
    """Train small reasoning models by the recipes of those that ship with relay."""


@train.command("zoo")
def zoo(
    model: Annotated[str, typer.Option(metavar="NAME", help="Which recipe: tiny, tiny-guide, ...")],
    seed: Annotated[int, typer.Option(min=0, max=2**31, metavar="N", help="Of the weights and of what it reads.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it goes; by default trained/NAME-SEED.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines, for machines.")] = False,
) -> None:
    """Train one model from its seed. Stopped, the same command goes on from its last checkpoint."""
    recipe = _recipe(model)
    to = folder or Path("trained") / f"{recipe.name}-{seed}"
    _check(to, model)
    _train(recipe, seed, to, as_json=json)


def _recipe(name: str) -> "Recipe":
    """The recipe of this name. Raises UserError."""
    from relay.language.telling import one_of
    from relay.train.recipes import RECIPES

    name = name.removeprefix("relay/")
    if name not in RECIPES:
        raise UserError(Mistake("--model", f"there is no recipe {name!r}", one_of(name, list(RECIPES))))
    return RECIPES[name]


def _check(to: Path, model: str) -> None:
    """Whether it can be trained, and the folder is free. Raises UserError."""
    from importlib.util import find_spec

    if any(find_spec(needed) is None for needed in ("torch", "transformers", "accelerate")):
        raise UserError(NEEDS)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(Mistake("--folder", f"there is something at {to} already", "name another, or remove it"))
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(Mistake("--folder", f"{to} cannot be made: {error.strerror}", "name another")) from None


@dataclass
class Steps:
    """How far a training is; what the display reads."""

    total: int
    done: int = 0
    hops: int = 0
    tokens: int = 0  # read
    failed: int = 0
    told: str = ""  # the loss
    outcomes: dict[tuple[int, str], int] = field(default_factory=dict)  # there are none


def _train(recipe: "Recipe", seed: int, to: Path, *, as_json: bool) -> None:
    import signal

    from relay.train.training import Step, train
    from relay.tui.progress import display

    shown, steps = display(as_json=as_json), Steps(recipe.steps)

    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        if stopped:
            raise KeyboardInterrupt
        stopped.append(number)

    def tell(step: Step) -> bool:
        steps.done, steps.tokens = step.done, step.tokens
        steps.told = "" if step.loss is None else f"loss {step.loss:.3f}"
        shown.refresh()
        return bool(stopped)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, stop)
    shown.phase(f"training {recipe.name}, steps", steps)
    with closing(shown):
        whole = train(recipe, seed, to, tell)
    if not whole:
        print(f"interrupted behind step {steps.done:,}; the same command goes on from there", file=sys.stderr)
        raise typer.Exit(130)
    print(visible(f"{to}: try it with `relay run solo --set models.main.model={to}`"))
