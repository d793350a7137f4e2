"""From models and guides to the runs of both twin tests: each is a canned scenario with other values."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from relay.errors import Mistake, UserError
from relay.language.reading import Reading, budget_of, read, variables_of

LIMIT, INDIVIDUAL, AMONG = 200, 250, 50  # problems of either subset, and distractors: as many as the paper has
FEW = 32  # problems where none are named
RECOVERABILITY, GUIDABILITY, PLUMBING = "recoverability", "guidability", "plumbing"
ENGINE_OF_SERVERS = "vllm"
DRIVER = Path("/proc/driver/nvidia")  # there where a GPU can be used


class Wish(NamedTuple):
    """What the user asked for."""

    models: Sequence[str]
    guides: Sequence[str] = ()
    problems: str = ""  # as `problems:` has it; empty: those of the canned scenarios, made for the models that ship
    engine: str = "transformers"
    control: bool = False  # whether a run of its own tries the handover
    individual: bool = False  # problems of all solve rates, each model's own, for recoverability
    sets: Mapping[str, str] = {}  # further values, by path
    preset: str = ""  # what the tests extend in place of relay/strict; empty: that


class Part(NamedTuple):
    """One run: one test of one model, by one guide where there is one, or the control."""

    test: str
    model: str
    guide: str
    reading: Reading

    @property
    def file(self) -> str:
        """The run file's name."""
        by = f"-by-{slug(self.guide)}" if self.guide else ""
        return f"{self.test}-{slug(self.model)}{by}.relay"


def parts_of(wish: Wish) -> list[Part]:
    """The runs, model by model. Raises UserError with all mistakes at once."""
    mistakes: list[Mistake] = [*_twice("MODEL", wish.models), *_twice("--guide", wish.guides)]
    parts: list[Part] = []
    for model in wish.models:
        control = ((PLUMBING, ""),) if wish.control else ()
        for test, guide in (*control, (RECOVERABILITY, ""), *((GUIDABILITY, g) for g in wish.guides)):
            try:
                parts.append(Part(test, model, guide, read(test, _sets(wish, test, model, guide), wish.preset)))
            except UserError as error:
                mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return parts


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
    return sets | {path: value for path, value in wish.sets.items() if _concerns(path, wish, test)}


def _concerns(path: str, wish: Wish, test: str) -> bool:
    """Whether a further value is this test's: what none of the tests would use is a mistake of all."""
    if path.startswith("models.guide."):
        return test == GUIDABILITY
    name = path.removeprefix("let.")
    tests = [RECOVERABILITY, *([GUIDABILITY] if wish.guides else []), *([PLUMBING] if wish.control else [])]
    return name == path or name in variables_of(test) or not any(name in variables_of(other) for other in tests)


_FULL = {
    RECOVERABILITY: {"sweep.over.n": "[0.2]", "select.limit": str(LIMIT), "graph.nodes.steer.insert.among": str(AMONG)},
    GUIDABILITY: {"select.limit": "null"},
    PLUMBING: {},
}


def _model(engine: str, name: str) -> str:
    batch = {"batch": 64} if engine == "transformers" and name.startswith("relay/tiny") else {}
    return json.dumps({"engine": engine, "model": name, **batch})


def _twice(what: str, names: Sequence[str]) -> list[Mistake]:
    """Names that are given twice, or that would share a file."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        if (before := seen.setdefault(slug(name).casefold(), name)) is not name or list(names).count(name) > 1:
            told = "is named twice" if before == name else f"would share its files with {before}"
            found.append(Mistake(f"{what} {name}", told, "name it once" if before == name else "run it by itself"))
    return list(dict.fromkeys(found))
