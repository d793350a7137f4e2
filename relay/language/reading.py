"""Reading a scenario: from a name to cells that can be run, or to all of the user's mistakes at once."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path as Folder
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.language import graph
from relay.language.baselines import with_baselines
from relay.language.cells import Cell
from relay.language.composing import compose, find, language, preset_of, settings, with_values
from relay.language.declaring import unknown_cells
from relay.language.imports import Whole, in_its_file
from relay.language.named import at_their_names, besides, quiet
from relay.language.referring import texts, unplaced
from relay.language.scenario import GraphSpec, Scenario
from relay.language.shapes import Scene
from relay.language.sweeps import Point, Sweep, filled, grid, misused, uneven, uses
from relay.language.telling import Fault, Type
from relay.language.typos import behind_typos
from relay.language.using import flat
from relay.language.yaml_places import Places, places, plain

MOST_BROKEN = 50  # cells whose mistakes are looked at


class Reading(NamedTuple):
    """A scenario as read."""

    tree: dict[str, Any]  # plain data after `extends` and `--set`, before the sweep's values: goes into the run file
    cells: tuple[Cell, ...]
    places: Places
    source: str  # the file, as the user named it

    @property
    def folder(self) -> Folder:
        """Where the file that says `problems:` lies: paths in it start there."""
        spot = self.places.get(("problems",))
        return Folder(spot.value.file).parent if spot and spot.value.line else Folder(self.source).parent


def read(name: str, sets: Mapping[str, str] | None = None, preset: str = "") -> Reading:
    """Read a file or a canned scenario; `sets` are paths and their new values. Raises UserError.

    `preset` is what it extends in place of the one of relay's that it names.
    """
    source = find(name)
    if isinstance(source, Mistake):
        raise UserError(source)
    whole = compose(source, sets or {}, preset)
    return _reading(plain(whole.tree), places(whole.tree), source.name, whole)


def from_tree(tree: Mapping[str, Any], source: str = "", cells: Collection[str] = ()) -> Reading:
    """Read a tree that was read before: no file is needed. Raises UserError.

    Of a run that has `cells`, only these: one that was begun when baselines were no cells has none of them.
    """
    found = _reading(tree, {}, source)
    return found._replace(cells=tuple(cell for cell in found.cells if not cells or cell.name in cells))


def from_changed_tree(tree: Mapping[str, Any], source: str, changes: Mapping[str, tuple[str, str]]) -> Reading:
    """Read a tree that was read before with other values at these paths, each with the option it came from."""
    changed = with_values(tree, source, changes)
    return _reading(plain(changed), places(changed), source)


parse_sets = settings


@cache
def variables_of(name: str) -> frozenset[str]:
    """The variables that stand in this scenario. Raises UserError."""
    tree = read(name).tree
    return frozenset(name for _, name in (*uses(tree), *uses(tree.get("sweep"), ("sweep",))))


def budget_of(preset: str = "") -> Any:
    """What this preset, or else relay/strict, lets a pen spend. Raises UserError."""
    found = preset_of(preset or "relay/strict")
    tree = plain(compose(found, {}).tree)
    return tree.get("budget") if isinstance(tree, dict) else None


def _reading(tree: Any, spots: Places, source: str, used: Whole | None = None) -> Reading:
    """`used`: the tree with what is wrong with the files whose graphs it uses."""
    silent = quiet(tree, spots, source)
    whole, cells, faults = _cells(tree, silent)
    others, lost = ([], frozenset[str]()) if used is None else (used.mistakes, used.lost)
    if faults or others:
        all_of_them = behind_typos(tree, faults, lambda mended: _cells(mended, silent)[2])
        found = placed(all_of_them, spots, source)
        raise UserError.of([*others, *(mistake for mistake in found if mistake.where not in lost)])
    return Reading(whole, tuple(cells), spots, source)


def _cells(said: dict[str, Any], silent: frozenset[str]) -> tuple[dict[str, Any], list[Cell], list[Fault]]:
    """The tree with the graphs in use in their places, its cells, and what is wrong, at its place in what was said."""
    whole = flat(said)
    cells, faults = _flat_cells(whole.tree, silent)
    known = {fault.path for fault in whole.faults}
    found = [*whole.faults, *(fault for fault in map(whole.told, faults) if fault.path not in known)]
    return whole.tree, cells, list(dict.fromkeys(found or whole.idle))


def _flat_cells(tree: dict[str, Any], silent: frozenset[str]) -> tuple[list[Cell], list[Fault]]:
    scene, let, faults = scene_of(tree), _let(tree), list[Fault]()
    sweep, odd = _sweep(tree, let or {}, scene)
    points, more = grid(sweep) if not odd else ([], [])
    variables = _variables(tree)
    if variables is not None and let is not None:
        faults = misused(tree, variables, let, silent)
    faults += [*odd, *more, *uneven(tree, points)]
    body = {key: value for key, value in tree.items() if key not in ("sweep", "let")}
    kept = {"let": tree["let"]} if "let" in tree else {}
    cells: list[Cell] = []
    broken: list[tuple[Point, list[Fault]]] = []
    for point in points or [Point({})]:
        values = {**(let or {}), **point.values}
        scenario, found = _cell({**filled(body, values), **kept}, scene, point)
        unfilled = [path for path, name in uses(body) if name not in values]
        found = besides(unfilled, found)
        found = at_their_names(found, uses(body), values.keys() - point.values.keys())
        if found:
            broken.append((point, found))
        if scenario is not None:  # its graph may be wrong all the same
            cells.append(Cell(point.name, point.values, point.without, scenario.model_copy(update={"sweep": sweep})))
        if len(broken) == MOST_BROKEN:
            break
    looked = len(broken) + sum(cell.name not in {point.name for point, _ in broken} for cell in cells)
    if cells and len(cells) == looked:
        cells, more = with_baselines(cells, scene)
        faults += [*more, *unknown_cells(tree, cells[0].scenario.tests, [cell.name for cell in cells])]
    return cells, [*faults, *_told_once(broken, looked)]


def _let(tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values of `let:` by name; None: they are not to be seen."""
    let = tree.get("let", {})
    return let if isinstance(let, dict) else None


def _variables(tree: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The names in `sweep: over:`, even if the rest of the sweep cannot be read; None: they are not to be seen."""
    sweep = tree.get("sweep")
    if sweep is None:
        return ()
    over = sweep.get("over") if isinstance(sweep, dict) else None
    return tuple(over) if isinstance(over, dict) and over else None


_type = cache(Type)


def _sweep(tree: dict[str, Any], let: Mapping[str, Any], scene: Scene) -> tuple[Sweep | None, list[Fault]]:
    if tree.get("sweep") is None:
        return None, []
    sweep, faults = _type(Sweep).read(filled(tree["sweep"], let), scene)
    faults = [fault._replace(path=("sweep", *fault.path)) for fault in faults]
    spots = list(uses(tree["sweep"], ("sweep",)))
    faults = besides([path for path, name in spots if name not in let], faults)
    return sweep, at_their_names(faults, spots, let)


def _cell(tree: dict[str, Any], scene: Scene, point: Point) -> tuple[Scenario | None, list[Fault]]:
    scenario, faults = language().read(tree, scene)
    if unplaced(tree.get("graph")):
        return scenario, faults  # what is wrong is told, and the rest cannot be seen
    if scenario is not None:
        return scenario, list(graph.faults(scenario.graph, point.without))
    alone, _ = _type(GraphSpec).read(tree.get("graph"), scene)
    return None, [*faults, *(graph.faults(alone, point.without) if alone is not None else ())]


def scene_of(tree: Mapping[str, Any]) -> Scene:
    """What the references of this tree may refer to, as far as it can be seen."""
    scene = Scene()
    graph_tree, pool = tree.get("graph"), tree.get("pool")
    if isinstance(graph_tree, dict) and isinstance(graph_tree.get("nodes"), dict):
        lost = unplaced(graph_tree)
        scene["node"] = frozenset(
            {*graph_tree["nodes"], *(t for t in texts(graph_tree) if lost and t.startswith(lost))}
        )
    if isinstance(tree.get("models"), dict):
        scene["model"] = frozenset(tree["models"])
    if pool is None:
        scene["samples"] = None
    elif isinstance(pool, dict) and type(samples := pool.get("samples", 8)) is int and samples > 0:
        scene["samples"] = samples
    return scene


def _told_once(broken: list[tuple[Point, list[Fault]]], looked: int) -> Iterable[Fault]:
    """Each fault once; one that not all cells share says where it comes from."""
    points: dict[Fault, list[Point]] = {}
    for point, faults in broken:
        for fault in faults:
            points.setdefault(fault, []).append(point)
    for fault, those in points.items():
        if len(those) == looked:
            yield fault
        else:
            shared = dict(set.intersection(*(set(p.values.items()) for p in those)))
            yield fault._replace(what=f"{fault.what}, in {_where(those, shared)}")


def _where(those: list[Point], shared: Mapping[str, Any]) -> str:
    if len(those) == 1:
        return f"the cell {those[0].name!r}"
    said = Point({name: value for name, value in those[0].values.items() if name in shared}).name
    return f"the cells with {said}" if shared else f"the cell {those[0].name!r} and {len(those) - 1} more"


def placed(faults: Iterable[Fault], spots: Places, source: str) -> list[Mistake]:
    """The faults as mistakes with file, line and column, in the order of their places."""
    rows = []
    for fault in faults:
        path = fault.path
        while spots and path not in spots:
            path = path[:-1]  # a short form: what is wrong within it stands at it
        spot = spots.get(path)
        place = spot and ((spot.key or spot.value) if fault.at_key else spot.value)
        dotted = ".".join(map(str, in_its_file(path)))
        where = str(place or source)
        what = f"{dotted}: {fault.what}" if dotted and where != f"--set {dotted}" else fault.what
        order = (not place, not (place and place.line), str(place and place.file) != source, place or (), dotted)
        rows.append((order, Mistake(where, what, fault.instead)))
    return list(dict.fromkeys(mistake for _, mistake in sorted(rows, key=lambda row: row[0])))
