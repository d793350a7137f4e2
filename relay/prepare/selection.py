"""Which problems a run is about: those that a model solves often enough, or seldom enough."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relay.draws import generator
from relay.errors import Mistake, UserError
from relay.problems import Problem


class Rule(NamedTuple):
    """A bound on how many of its solo samples a model solves."""

    model: str
    at_least: int
    at_most: int
    of: int
    tokens: int = 0  # one of the right ones thinks for at least so many

    def holds(self, solved: int) -> bool:
        """Whether a problem solved so many times is wanted."""
        return self.at_least <= solved <= self.at_most

    def distance(self, solved: int) -> int:
        """How far a problem is from being wanted."""
        return max(self.at_least - solved, solved - self.at_most, 0)

    def __str__(self) -> str:
        long = f", with a right thought of at least {self.tokens:,} tokens" if self.tokens else ""
        return self._often + long

    @property
    def _often(self) -> str:
        if self.at_least == self.at_most:
            return f"solved {self.at_least} of {self.of} times by {self.model}"
        if self.at_least == 0:
            return f"solved at most {self.at_most} of {self.of} times by {self.model}"
        if self.at_most >= self.of:
            return f"solved at least {self.at_least} of {self.of} times by {self.model}"
        return f"solved {self.at_least} to {self.at_most} of {self.of} times by {self.model}"


class NoneFitsError(UserError):
    """No problem is as the selection wants it."""


Solved = Mapping[str, Mapping[str, int]]  # model -> problem id -> how many samples were correct
Longest = Mapping[str, Mapping[str, int]]  # model -> problem id -> tokens of thinking of the longest correct sample


def select(
    problems: Sequence[Problem],
    rules: Sequence[Rule],
    solved: Solved,
    limit: int | None,
    seed: int,
    evenly: str | None = None,
    longest: Longest = {},  # noqa: B006  nobody changes it
) -> list[Problem]:
    """The problems for which every rule holds, a seeded draw of `limit` of them, in their own order.

    With `evenly` a problem's weight in the draw is the inverse of how many share this model's solve rate for it.
    `longest` must know the models whose thoughts should have some length.
    Raises UserError when there is none, and names the nearest.
    """
    often = [p for p in problems if all(r.holds(solved[r.model][p.id]) for r in rules)]
    fitting = [p for p in often if all(not r.tokens or longest[r.model].get(p.id, 0) >= r.tokens for r in rules)]
    if often and not fitting:
        raise NoneFitsError(_too_short(often, rules, longest))
    if not fitting:
        raise NoneFitsError(_nothing(problems, rules, solved))
    if limit is None or len(fitting) <= limit:
        return fitting
    if evenly is None:
        order = generator(seed, "", 0, "selection").sample(range(len(fitting)), limit)
    else:
        order = _evenly(fitting, solved[evenly], limit, seed)
    return [fitting[i] for i in sorted(order)]


def _evenly(fitting: Sequence[Problem], solved: Mapping[str, int], limit: int, seed: int) -> list[int]:
    """A draw by weight, without replacement: the greatest u ** (1 / weight) win (Efraimidis and Spirakis 2006)."""
    alike = Counter(solved[problem.id] for problem in fitting)

    def key(i: int) -> float:
        u = generator(seed, fitting[i].id, 0, "selection").random()
        return float(u ** alike[solved[fitting[i].id]])

    return sorted(range(len(fitting)), key=key, reverse=True)[:limit]


def _too_short(often: Sequence[Problem], rules: Sequence[Rule], longest: Longest) -> Mistake:
    """Enough are solved so often; none by a thought that is as long as it should be."""
    short = [r for r in rules if r.tokens and not any(longest[r.model].get(p.id, 0) >= r.tokens for p in often)]
    told = (
        " and ".join(
            f"{max(longest[r.model].get(p.id, 0) for p in often):,} of {r.tokens:,} tokens by {r.model}" for r in short
        )
        or "not by the same problem for all rules"
    )
    what = f"{len(often)} problems were solved as often as wanted, and by no right thought as long: at most {told}"
    return Mistake("select", what, "let shorter ones in: `as_long_as:`, in relay's presets `let.shortest`")


def _nothing(problems: Sequence[Problem], rules: Sequence[Rule], solved: Solved) -> Mistake:
    def distance(problem: Problem) -> int:
        return sum(r.distance(solved[r.model][problem.id]) for r in rules)

    nearest = sorted(problems, key=distance)[:3]
    told = ", ".join(f"{p.id} ({' and '.join(f'{solved[r.model][p.id]}/{r.of}' for r in rules)})" for p in nearest)
    wanted = " and ".join(map(str, rules))
    return Mistake(
        "select",
        f"no problem of {len(problems)} was {wanted}; the nearest were {told}",
        "loosen `select:`, or take more problems",
    )
