"""What the estimators read: the graded rollouts of a cell as columns, and which of them resemble one another."""

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"
NONE = -1  # the distractor of a rollout into which none was put


class Outcomes(NamedTuple):
    """The graded rollouts of one cell: columns of one length, in any order."""

    problem: Array  # numbers
    distractor: Array  # numbers, NONE where there is none
    correct: Array  # 0 or 1
    stratum: "Array | None" = None  # numbers, one for each problem; None: problems were drawn from one urn
    tokens: "Array | None" = None  # decoded, for costs


class Clusters(NamedTuple):
    """Rollouts that share something, as places: those of a cluster stand together in `order`, from its `start` on."""

    order: Array
    starts: Array
    stratum: "Array | None" = None  # of each cluster


class Layout(NamedTuple):
    """How a cell was drawn, whatever came out: this alone decides which estimator is used."""

    n: int  # rollouts
    problems: Clusters
    distractors: Clusters | None  # None: no distractor serves two problems
    pairs: Clusters | None  # of a problem and a distractor, where distractors serve several
    k: float  # continuations of a problem, as its rollouts see it: sum of squares over sum
    strata: int  # 1: none

    @property
    def df(self) -> int:
        """Degrees of freedom: the clusters of the rarer kind, less the means that were taken from them."""
        free = len(self.problems.starts) - self.strata
        return max(1, free if self.distractors is None else min(free, len(self.distractors.starts) - 1))

    @property
    def once(self) -> bool:
        """Whether each problem was tried once."""
        return len(self.problems.starts) == self.n

    @property
    def plain(self) -> bool:
        """Whether nothing resembles anything: one continuation of each problem, distractors of its own, one urn."""
        return self.once and self.distractors is None and self.strata == 1


def outcomes(rows: "list[tuple[int, int | None, int]]", strata: dict[int, int] | None = None) -> Outcomes:
    """Of (problem, distractor or None, correct) of each graded rollout, and the stratum of each problem."""
    import numpy as np

    table = np.array([(p, NONE if d is None else d, c) for p, d, c in rows], dtype=np.int64).reshape(-1, 3)
    problem, distractor, correct = table.T
    stratum = np.array([strata.get(p, NONE) for p in problem.tolist()]) if strata else None
    return Outcomes(problem, distractor, correct, stratum)


def layout(cell: Outcomes) -> Layout:
    """How a cell's rollouts share problems, distractors and strata."""
    import numpy as np

    problems = clusters(cell.problem, stratum=cell.stratum)
    sizes = np.diff(problems.starts, append=len(problems.order))
    strata = 1 if cell.stratum is None else len(np.unique(cell.stratum))
    k = float((sizes**2).sum() / sizes.sum())
    pair, given = cell.problem * (int(cell.distractor.max()) + 2) + cell.distractor, cell.distractor != NONE
    distractors, pairs = clusters(cell.distractor, given), clusters(pair, given)
    if len(distractors.starts) == len(pairs.starts) or len(distractors.starts) < 2:
        return Layout(len(cell.problem), problems, None, None, k, strata)
    return Layout(len(cell.problem), problems, distractors, pairs, k, strata)


def clusters(labels: Array, among: "Array | None" = None, stratum: "Array | None" = None) -> Clusters:
    """The rollouts of each label, of those `among` which are asked for."""
    import numpy as np

    places = np.arange(len(labels)) if among is None else np.flatnonzero(among)
    order = places[np.argsort(labels[places], kind="stable")]
    names = labels[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])) if len(names) else names
    return Clusters(order, starts, None if stratum is None else stratum[order[starts]])
