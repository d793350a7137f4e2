"""What a run cost, author by author: tokens, seconds, money. docs/numbers.md has the formulas."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from relay.measure.price import Prices, payer_of, price_of, prices_of
from relay.store.reader import Run
from relay.walk import IN_VAIN, ROOT

VAIN = ", ".join(f"'{word}'" for word in IN_VAIN)
AUTHORS = f"""
SELECT c.name, node.text AS node, coalesce(model.text, '') AS model, count(*) AS visits,
       coalesce(sum(h.computed), 0) AS computed, coalesce(sum(h.cached), 0) AS cached,
       coalesce(sum(h.decoded) FILTER (WHERE coalesce(apart.text, '') NOT IN ({VAIN})), 0)
           AS decoded,
       coalesce(sum(h.thrown) FILTER (WHERE coalesce(apart.text, '') NOT IN ({VAIN})), 0)
           AS thrown,
       coalesce(sum(coalesce(h.decoded, 0) + coalesce(h.thrown, 0))
           FILTER (WHERE apart.text IN ({VAIN})), 0) AS discarded,
       coalesce(sum(h.ms), 0) / 1000.0 AS seconds
FROM hop h
JOIN rollout r ON r.id = h.rollout
JOIN cell c ON c.id = r.cell
JOIN name node ON node.id = h.node
LEFT JOIN name model ON model.id = h.model
LEFT JOIN name apart ON apart.id = h.apart
GROUP BY c.id, node.text, model.text
HAVING sum(coalesce(h.computed, 0) + coalesce(h.cached, 0) + coalesce(h.decoded, 0) + coalesce(h.thrown, 0)) > 0
ORDER BY c.id, min(h.id)
"""
JUDGES = """
SELECT c.name, '(verify)', model.text, count(*), coalesce(sum(j.computed), 0), coalesce(sum(j.cached), 0),
       coalesce(sum(j.decoded), 0), coalesce(sum(j.thrown), 0), 0, NULL
FROM judgement j
JOIN rollout r ON r.id = j.rollout
JOIN cell c ON c.id = r.cell
JOIN name model ON model.id = j.model
GROUP BY c.id, model.text ORDER BY c.id, model.text
"""
TIMES = f"""
SELECT h.rollout, c.name, pen.text, h.n, node.text, coalesce(model.text, ''),
       CASE WHEN apart.text IN ({VAIN}) THEN 0.0
            ELSE coalesce(h.ms, 0) / 1000.0 - coalesce(h.beside, 0) / 1000.0 END,
       coalesce(h.branches, 0), coalesce(rest.text, '') = 'too late'
FROM hop h
JOIN rollout r ON r.id = h.rollout
JOIN cell c ON c.id = r.cell
JOIN name pen ON pen.id = h.pen
JOIN name node ON node.id = h.node
LEFT JOIN name model ON model.id = h.model
LEFT JOIN name apart ON apart.id = h.apart
LEFT JOIN name rest ON rest.id = h.rest
ORDER BY h.rollout, h.n
"""


class Cost(NamedTuple):
    """What one author (a node, and the model that wrote there) cost in all rollouts of a cell."""

    cell: str
    node: str  # "(verify)": a judge that graded
    model: str  # empty: it ended its turn without a word
    visits: int
    computed: int  # prompt tokens read
    cached: int  # prompt tokens that came from a cache
    decoded: int  # tokens kept; those that an edge dropped later, and of pens that were not picked, too
    thrown: int  # decoded past the end of a segment
    discarded: int  # decoded ahead of a judge that said otherwise, taken back by a watcher, or by pens that came late
    seconds: float | None  # of its calls, summed; None: they were not timed
    critical: float | None  # of these, on the way that a rollout had to wait for
    money: float | None  # for its tokens; None: they have no price


class Held(NamedTuple):
    """What a model held while the run went on, used or not."""

    model: str
    hour: float  # the price of an hour of it
    seconds: float | None  # from before it was loaded, through all sessions of the run; None: nobody noted it
    money: float | None
    also: tuple[str, ...] = ()  # other names of it


class InAll(NamedTuple):
    """What a run cost in all: tokens, and hours that were held."""

    tokens: float | None  # None: they have no price
    hours: float | None  # None: they have no price, or nobody noted them
    money: float | None  # both together; None: neither
    free: tuple[str, ...]  # models that wrote or read, and of which no price is said at all


class _Timed(NamedTuple):
    n: int
    author: tuple[str, str, str]
    seconds: float
    branches: int
    late: bool  # its pen was stopped, and nobody waited for it


def costs(run: Run, prices: Prices | None = None) -> list[Cost]:
    """By cell and author; by these prices, and where they say nothing by the scenario's."""
    waited, prices, rows, found = _waited(run), prices_of(run, prices), run.query(AUTHORS) + run.query(JUDGES), []
    payer = payer_of(((cell, node), model) for cell, node, model, *_ in rows)
    for *author, visits, computed, cached, decoded, thrown, discarded, seconds in rows:
        cell, node, model = author
        money = price_of(prices, payer((cell, node), model)).of(computed + cached, decoded + thrown + discarded)
        critical = None if seconds is None else waited[cell, node, model]
        found.append(
            Cost(cell, node, model, visits, computed, cached, decoded, thrown, discarded, seconds, critical, money)
        )
    return found


def held(run: Run, prices: Prices | None = None) -> list[Held]:
    """What GPUs cost by the hour: each model that has such a price, and the time that the run took.

    A model under two names was loaded once: the second is paid only where a price is said of it by its name.
    """
    sessions, prices = run.meta.get("held"), prices_of(run, prices)
    seconds = None if sessions is None else float(sum(sessions))
    specs = run.meta["scenario"].get("models") or {}
    found: dict[str, Held] = {}
    for model in run.meta.get("models") or ():
        twin = next((name for name in found if specs.get(name, name) == specs.get(model, model)), None)
        hour = price_of(prices, model).hour
        if twin is not None and model not in prices:
            found[twin] = found[twin]._replace(also=(*found[twin].also, model))
        elif hour is not None:
            found[model] = Held(model, hour, seconds, None if seconds is None else hour * seconds / 3600)
    return list(found.values())


def in_all(found: Sequence[Cost], rented: Sequence[Held]) -> InAll:
    """The sum of all authors and of all that was held."""
    tokens, hours = ([each.money for each in several if each.money is not None] for several in (found, rented))
    by_hour = {name for each in rented for name in (each.model, *each.also)}
    by_token = {each.model for each in found if each.money is not None}
    free = {each.model for each in found if each.model} - by_hour - by_token
    return InAll(
        sum(tokens) if tokens else None, sum(hours) if hours else None,
        sum(tokens) + sum(hours) if tokens or hours else None, tuple(sorted(free)),
    )  # fmt: skip


def _waited(run: Run) -> Mapping[tuple[str, str, str], float]:
    """Seconds on the critical paths of all rollouts, by author."""
    waited: dict[tuple[str, str, str], float] = defaultdict(float)
    for pens in _rollouts(run.query(TIMES)):
        for hop in _critical(pens, ROOT):
            waited[hop.author] += hop.seconds
    return waited


def _rollouts(rows: Iterable[Sequence[object]]) -> Iterator[dict[str, list[_Timed]]]:
    """The timed hops of each rollout, by pen."""
    found: dict[object, dict[str, list[_Timed]]] = defaultdict(lambda: defaultdict(list))
    for rollout, cell, pen, n, node, model, seconds, branches, late in rows:
        author = str(cell), str(node), str(model)
        timed = _Timed(int(str(n)), author, float(str(seconds)), int(str(branches)), bool(late))
        found[rollout][str(pen)].append(timed)
    yield from found.values()


def _critical(pens: Mapping[str, Sequence[_Timed]], path: str) -> list[_Timed]:
    """The hops that this pen's end waited for: its own, and of each branch those of its slowest pen."""
    found, children = [], 0
    for hop in pens.get(path, ()):
        found.append(hop)
        if hop.branches:
            paths = [f"{path}.{i}" for i in range(children, children + hop.branches)]
            ways = [_critical(pens, each) for each in paths if not any(own.late for own in pens.get(each, ()))]
            found += max(ways, key=lambda way: sum(each.seconds for each in way), default=[])
            children += hop.branches
    return found
