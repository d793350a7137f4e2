"""From models and guides to the runs of both twin tests: each is a canned scenario with other values."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.language.reading import Reading, budget_of, read, variables_of
from relay.twin.ablations import LONG, LONG_OF_FEW, Ablation, ablations
from relay.twin.shared import RULES, others, rules, shared

LIMIT, INDIVIDUAL, AMONG = 200, 250, 50  # problems of either subset, and distractors: as many as the paper has
FEW = 32  # problems where none are named
MAIN = "main"  # the tested model's name in every canned test
SOME = {"guide": "--guide", "distractor": "--distractor"}  # models that some runs have, and what brings them
RECOVERABILITY, GUIDABILITY, PLUMBING, CEILING = "recoverability", "guidability", "plumbing", "ceiling"
TITLE = "Guidability where a model needs none"
ENGINE_OF_SERVERS = "vllm"
DRIVER = Path("/proc/driver/nvidia")  # there where a GPU can be used

Key = tuple[str, str, str, str]  # a part's test, guide, variant and model


class Wish(NamedTuple):
    """What the user asked for."""

    models: Sequence[str]
    guides: Sequence[str] = ()
    problems: str = ""  # as `problems:` has it; empty: those of the canned scenarios, made for the models that ship
    engine: str = "transformers"
    control: bool = False  # whether runs of their own try the handover, and guidance where none is needed
    individual: bool = False  # problems of all solve rates, each model's own; of several models not those they share
    sets: Mapping[str, str] = {}  # further values, by path
    opening: bool = False  # ablations of recoverability
    longer: bool = False
    distractors: Sequence[str] = ()
    preset: str = ""  # what the tests extend in place of relay/strict; empty: that

    @property
    def shares(self) -> bool:
        """Whether all models are tested on the same problems."""
        return len(self.models) > 1 and not self.individual


class Part(NamedTuple):
    """One run: one test of one model, by one guide where there is one, or a control."""

    test: str
    model: str
    guide: str
    reading: Reading
    variant: str = ""  # the ablation's name
    shares: bool = False  # its problems are those that all models share

    @property
    def file(self) -> str:
        """The run file's name."""
        by = f"-by-{slug(self.guide)}" if self.guide else ""
        return f"{self.test}-{slug(self.model)}{by}{'-' + slug(self.variant) if self.variant else ''}.relay"

    @property
    def title(self) -> str:
        """The ablation in words."""
        return Ablation(self.variant, {}).title

    @property
    def key(self) -> Key:
        """Which part it is."""
        return self.key_of(self.model)

    def key_of(self, model: str) -> Key:
        """The same part of another model."""
        return self.test, self.guide, self.variant, model


def parts_of(wish: Wish, addresses: Mapping[Key, str] | None = None) -> list[Part]:
    """The runs, model by model; those of a shared test know the others' solos where `addresses` says where these are.

    Raises UserError with all mistakes at once.
    """
    mistakes = [
        *_twice("MODEL", wish.models),
        *_twice("--guide", wish.guides),
        *_twice("--distractor", wish.distractors),
        *_idle(wish),
    ]
    parts: list[Part] = []
    for model in wish.models:
        for test, guide, change in _tests(wish):
            try:
                parts.append(_part(wish, test, model, guide, change, addresses or {}))
            except UserError as error:
                mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return parts


def _tests(wish: Wish) -> Iterator[tuple[str, str, Ablation]]:
    """The runs of each model: test, guide and what is changed."""
    plain = Ablation("", {})
    if wish.control:
        yield PLUMBING, "", plain
    yield RECOVERABILITY, "", plain
    engines = {name: _model(wish.engine, name) for name in wish.distractors}
    longer = (LONG if wish.problems else LONG_OF_FEW) if wish.longer else 0.0
    for change in ablations(wish.opening, longer, wish.distractors, engines):
        yield RECOVERABILITY, "", change
    for guide in wish.guides:
        yield GUIDABILITY, guide, plain
        if wish.control:
            yield CEILING, guide, plain


def _part(wish: Wish, test: str, model: str, guide: str, change: Ablation, addresses: Mapping[Key, str]) -> Part:
    canned = GUIDABILITY if test == CEILING else test
    sets = {**_sets(wish, test, model, guide), **change.sets}
    if change.name or test == CEILING:
        sets["title"] = json.dumps(f"{test.capitalize()}, {change.title}" if change.name else TITLE)
    mine = {path: value for path, value in wish.sets.items() if _is_for(path, sets) and _concerns(path, wish, canned)}
    reading = read(canned, sets | mine, wish.preset)
    if test == CEILING:
        sets, mine = _ceiling(wish, model, reading.tree, sets, mine)
        reading = read(canned, sets | mine, wish.preset)
    part = Part(test, model, guide, reading, change.name, wish.shares and test != PLUMBING)
    if part.shares:
        there = {other: addresses[key] for other in wish.models if (key := part.key_of(other)) in addresses}
        said = shared(reading.tree, others(model, wish.models), there)
        part = part._replace(reading=read(canned, sets | without(mine, RULES) | said, wish.preset))
    return part


def _is_for(path: str, sets: Mapping[str, str]) -> bool:
    """A value of a model is for the runs that have it."""
    first, *rest = path.split(".")
    return first != "models" or not rest or rest[0] not in SOME or f"models.{rest[0]}" in sets


def _idle(wish: Wish) -> Iterator[Mistake]:
    """Values of a model that no run has."""
    there = {"guide": wish.guides, "distractor": wish.distractors}
    for path in wish.sets:
        first, *rest = path.split(".")
        name = rest[0] if len(rest) > 1 else ""
        if first == "models" and not there.get(name, True):
            yield Mistake(f"--set {path}", f"no run has a {name}", f"say {SOME[name]} MODEL, or leave it out")


def without(sets: Mapping[str, str], path: str) -> dict[str, str]:
    """The values but those at and below this path."""
    return {at: value for at, value in sets.items() if at != path and not at.startswith(f"{path}.")}


def _ceiling(
    wish: Wish, model: str, tree: Mapping[str, Any], sets: dict[str, str], mine: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Guidance where none is needed: on recoverability's problems, which the model always solves."""
    sampled = _sets(wish._replace(individual=False), RECOVERABILITY, model, "")
    theirs = {path: value for path, value in mine.items() if _concerns(path, wish, RECOVERABILITY)}
    theirs = {path: value for path, value in theirs.items() if _is_for(path, sampled)}
    solved = read(RECOVERABILITY, sampled | theirs, wish.preset)
    keys = ("solved", "at_least", "at_most")
    always = [{key: rule[key] for key in keys if key in rule} for rule in rules(solved.tree)]
    guided = [rule for rule in rules(tree) if rule.get("solved") != MAIN]
    more = {"problems": json.dumps(solved.tree["problems"]), RULES: json.dumps([*always, *guided])}
    if (limit := solved.tree["select"].get("limit")) is not None:
        more["select.limit"] = json.dumps(limit)
    return {**sets, **more}, without(without(mine, "problems"), RULES)


def slug(name: str) -> str:
    """A model's name as part of a file's."""
    return re.sub(r"[^\w.+-]+", "--", name.strip("/.~ "))[-80:] or "model"


def _sets(wish: Wish, test: str, model: str, guide: str) -> dict[str, str]:
    sets = {"models.main": _model(wish.engine, model)}
    if guide:
        sets["models.guide"] = _model(wish.engine, guide)
    if wish.problems:
        sets |= {"problems": wish.problems, "budget": json.dumps(budget_of(wish.preset)), **_FULL[test]}
    if wish.individual and test == RECOVERABILITY:
        limit = INDIVIDUAL if wish.problems else FEW
        rule = '{solved: main, at_least: 1/8, as_long_as: "{shortest}"}'
        sets |= {"select": f"{{problems: {rule}, evenly: main, limit: {limit}}}"}
    return sets


def _concerns(path: str, wish: Wish, test: str) -> bool:
    """Whether a further value is this test's: what none of the tests would use is a mistake of all."""
    tests = [RECOVERABILITY, *([GUIDABILITY] if wish.guides else []), *([PLUMBING] if wish.control else [])]
    return _uses(path, test) or not any(_uses(path, other) for other in tests)


def _uses(path: str, test: str) -> bool:
    """Whether this canned test has what the path names: a variable, a node, a selection; all have the rest."""
    if path.startswith("let."):
        return path.removeprefix("let.") in variables_of(test)
    at = _PARTS.match(path)
    tree: Any = read(test).tree
    for key in at[0].split(".") if at else ():
        if key not in tree:
            return False
        tree = tree[key]
    return True


_PARTS = re.compile(r"(?:sweep\.over|graph\.(?:nodes|edges))\.[^.]+|select(?=\.)")  # what not all of the tests have
_FULL = {
    RECOVERABILITY: {"sweep.over.n": "[0.2]", "select.limit": str(LIMIT), "graph.nodes.steer.insert.among": str(AMONG)},
    GUIDABILITY: {"select.limit": "null"},
    CEILING: {},
    PLUMBING: {},
}


def _model(engine: str, name: str) -> str:
    batch = {"batch": 64} if engine == "transformers" and name.startswith("relay/tiny") else {}
    return json.dumps({"engine": engine, "model": name, **batch})


def _twice(what: str, names: Sequence[str]) -> list[Mistake]:
    """Names that are given twice, or that would share a file."""
    seen: dict[str, str] = {}
    found = [] if all(name.strip() for name in names) else [Mistake(what, "has no name", "say which model")]
    for name in names:
        if (before := seen.setdefault(slug(name).casefold(), name)) is not name or list(names).count(name) > 1:
            told = "is named twice" if before == name else f"would share its files with {before}"
            found.append(Mistake(f"{what} {name}", told, "name it once" if before == name else "run it by itself"))
    return list(dict.fromkeys(found))
