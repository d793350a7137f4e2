"""How far a sum strays when what its terms share is drawn at random: problems, distractors, or both.

Two-way clusters after Cameron, Gelbach and Miller (2011): the variance over problems plus that over distractors less
that over their pairs, which both contain. All functions take whole studies at once, along leading axes.
"""

from relay.measure.outcomes import Array, Clusters, Layout


def sums(values: Array, clusters: Clusters) -> Array:
    """The sum of values (..., rollouts) over each cluster: (..., clusters)."""
    import numpy as np

    return np.asarray(np.add.reduceat(values[..., clusters.order], clusters.starts, axis=-1))


def variance(values: Array, clusters: Clusters) -> Array:
    """Of the sum of values, which should add up to about zero, when whole clusters are drawn.

    In strata clusters are drawn inside each: sums then stray around the stratum's mean, m clusters of it count
    m / (m - 1) times, and one that is alone in its stratum strays around zero.
    """
    import numpy as np

    of = sums(values, clusters)
    count = of.shape[-1]
    if clusters.stratum is None:
        return np.asarray((of**2).sum(axis=-1) * count / max(1, count - 1))
    found = np.zeros(of.shape[:-1])
    for stratum in np.unique(clusters.stratum):
        inside = of[..., clusters.stratum == stratum]
        m = inside.shape[-1]
        around = inside - inside.mean(axis=-1, keepdims=True) if m > 1 else inside
        found += (around**2).sum(axis=-1) * (m / (m - 1) if m > 1 else 1)
    return found


def over_problems(values: Array, layout: Layout) -> Array:
    """The variance that problems bring, continuations included."""
    return variance(values, layout.problems)


def over_distractors(values: Array, layout: Layout) -> Array:
    """What shared distractors add to it: never less than nothing."""
    import numpy as np

    if layout.distractors is None or layout.pairs is None:
        return np.zeros(values.shape[:-1])
    return np.asarray(np.maximum(0.0, variance(values, layout.distractors) - variance(values, layout.pairs)))
