"""Sweeps: the cells of a scenario, and the values of `let:` and of a cell put into its tree."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from math import prod
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import ConfigDict, Field

from relay.language.amounts import PARAGRAPHS, SENTENCES, TOKENS, Share
from relay.language.phrases import shown
from relay.language.shapes import Frozen, Kind, Known, OneOf, OneOrMore, Says, Scalar
from relay.language.telling import Fault, Path, did_you_mean, one_of

MOST_CELLS = 10_000
VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DOUBLED = re.compile(r"\{\{[A-Za-z_][A-Za-z0-9_]*\}\}")

Variable: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Says("a variable's name (a letter or '_', then letters, digits or '_')"),
]


LetValue: TypeAlias = Annotated[
    Any,
    OneOf(
        Kind("<text>", str, of=(str,)),
        Kind("<whole>", int, of=(int,)),
        Kind("<number>", float, of=(float,)),
        Kind("<flag>", bool, of=(bool,)),
        Kind("<share>", Share, "share"),
        TOKENS,
        SENTENCES,
        PARAGRAPHS,
    ),
]
Let: TypeAlias = dict[Variable, LetValue]


class Also(Frozen):
    """One more cell: values of some variables (the others take their first), and nodes to pass over."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]
    without: OneOrMore[Annotated[str, Known("node")]] | None = None
    when: bool = True  # false: there is no such cell


class Sweep(Frozen):
    """A cell for every combination of the values in `over`, those in `also`, and none of those in `except`."""

    over: Annotated[dict[Variable, OneOrMore[Scalar]], Field(min_length=1)]
    also: tuple[Also, ...] = ()
    but: Annotated[tuple[dict[str, Scalar], ...], Field(alias="except")] = ()


class Point(NamedTuple):
    """Where a cell lies: its variables' values, and the nodes that it passes over."""

    values: Mapping[str, Any]
    without: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The cell's name: "m=0.4 n=0.2", "m=0 n=0.2 without steer", or "all"."""
        said = [f"{name}={_short(value)}" for name, value in self.values.items()]
        if self.without:
            said.append(f"without {', '.join(sorted(self.without))}")
        return " ".join(said) or "all"


def _same(one: object, other: object) -> bool:
    """Whether two values are one; to Python true is 1."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _short(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def grid(sweep: Sweep | None) -> tuple[list[Point], list[Fault]]:
    """The points of a sweep in their order, and what is wrong with it."""
    if sweep is None:
        return [Point({})], []
    faults = list(_strangers(sweep))
    more = [(i, also) for i, also in enumerate(sweep.also) if also.when]
    size = prod(len(values) for values in sweep.over.values()) + len(more)
    if size > MOST_CELLS:
        return [], [*faults, Fault(("sweep", "over"), f"makes {size:,} cells; {MOST_CELLS:,} are allowed", at_key=True)]
    if faults:
        return [], faults
    points: dict[str, Point] = {}
    for values in product(*sweep.over.values()):
        point = Point(dict(zip(sweep.over, values, strict=True)))
        if any(all(_same(point.values[k], v) for k, v in out.items()) for out in sweep.but):
            continue
        if point.name in points:
            faults.append(Fault(("sweep", "over"), f"makes the cell {point.name!r} twice", at_key=True))
        points[point.name] = point
    for i, also in more:
        firsts = {name: values[0] for name, values in sweep.over.items()}
        point = Point({**firsts, **also.__pydantic_extra__}, frozenset(also.without or ()))
        if point.name in points:
            faults.append(Fault(("sweep", "also", i), f"the cell {point.name!r} is there already", "leave it out"))
        points[point.name] = point
    if not points:
        faults.append(Fault(("sweep", "except"), "leaves no cell", "loosen it", at_key=True))
    return list(points.values()), list(dict.fromkeys(faults))


def _strangers(sweep: Sweep) -> Iterator[Fault]:
    """What in `also` and `except` is no variable or no value."""
    told = [("also", i, *item) for i, also in enumerate(sweep.also) for item in also.__pydantic_extra__.items()]
    told += [("except", i, *item) for i, values in enumerate(sweep.but) for item in values.items()]
    for key, i, name, value in told:
        if name not in sweep.over:
            names = (*sweep.over, "without", "when") if key == "also" else sweep.over
            yield Fault(("sweep", key, i, name), f"no sweep variable {name!r}", one_of(name, names), at_key=True)
        elif isinstance(value, dict | list) or value is None:
            yield Fault(("sweep", key, i, name), f"should be text, a number, true or false, not {shown(value)}")


def is_variable(text: str) -> bool:
    """Whether this text stands for a variable's value: "{m}"."""
    return VARIABLE.fullmatch(text) is not None


def is_text_of_braces(text: str) -> bool:
    """Whether this text is written with doubled braces, "{{m}}", to mean itself."""
    return _DOUBLED.fullmatch(text) is not None


def uses(tree: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where the tree stands a variable in for a value: paths and names. In a whole one, `sweep` and `let` give them."""
    if isinstance(tree, str) and (found := VARIABLE.fullmatch(tree)):
        yield path, found[1]
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        if (*path, key) not in (("sweep",), ("let",)):
            yield from uses(value, (*path, key))


def filled(tree: Any, values: Mapping[str, Any]) -> Any:
    """The tree with each "{m}" replaced by m's value; "{{m}}" is the text "{m}". Unknown names stay."""
    if isinstance(tree, dict):
        return {key: filled(value, values) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value, values) for value in tree]
    if isinstance(tree, str) and tree[:1] == "{":
        if found := VARIABLE.fullmatch(tree):
            return values.get(found[1], tree)
        if _DOUBLED.fullmatch(tree):
            return tree[1:-1]
    return tree


FIXED = (
    "models",
    "problems",
    "pool",
    "select",
    "samples",
    "seed",
    "verify",
    "unfinished",
    "compare",
    "tests",
    "prices",
)  # the same in all cells


def uneven(tree: Any, points: Collection[Point]) -> Iterator[Fault]:
    """Where a sweep would change what cells must share to be compared."""
    first = next(iter(points), Point({}))
    differ = {name for p in points for name, value in p.values.items() if not _same(value, first.values.get(name))}
    for path, name in uses(tree):
        if path[0] in FIXED and name in differ:
            instead = "sweep what the graph says; of models, name several and sweep the name"
            yield Fault(path, f"a sweep may not change {path[0]!r}, which cells must share to be compared", instead)


def misused(tree: Any, swept: Collection[str], let: Collection[str], quiet: Collection[str]) -> list[Fault]:
    """Variables that stand somewhere and have no value, and those that have one and stand nowhere.

    Nothing is said of a name in `quiet`, which came with a preset and may stand nowhere.
    """
    used, within = list(uses(tree)), list(uses(tree.get("sweep"), ("sweep",)))
    faults = [_unknown(path, name, swept, let) for path, name in used if name not in swept and name not in let]
    faults += [_unknown(path, name, (), let) for path, name in within if name not in let]
    names = {name for _, name in (*used, *within)}
    for key, idle in (("sweep", set(swept) - {name for _, name in used}), ("let", set(let) - names - set(quiet))):
        path: Path = ("sweep", "over") if key == "sweep" else ("let",)
        faults += [
            Fault(
                (*path, name), f'nothing uses "{{{name}}}"', did_you_mean(name, sorted(names)) or "leave it out", True
            )
            for name in sorted(idle)
        ]
    return faults


def _unknown(path: Path, name: str, swept: Collection[str], let: Collection[str]) -> Fault:
    """A name without a value. What a preset gives is named only where it is near: there is much of it."""
    instead = did_you_mean(name, [*swept, *let]) or one_of(name, swept) or f'for the text itself write "{{{{{name}}}}}"'
    return Fault(path, f"no variable {name!r}", instead)
