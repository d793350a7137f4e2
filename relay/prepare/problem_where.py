"""Which problems `where:` takes: by the values in their columns."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from relay.errors import Mistake, UserError
from relay.prepare.problem_files import Placed


def fitting(found: list[Placed], where: Mapping[str, Sequence[object]], source: str) -> list[Placed]:
    """Those whose columns have the values that `where:` asks for. Raises UserError when none has."""
    columns = {column for placed in found for column in _row(placed)}
    strange = next((column for column in where if column not in columns), None)
    if strange is not None:
        near = get_close_matches(strange, sorted(columns), 1)
        instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(columns))}"
        raise UserError(Mistake("problems.where", f"no problem of {source!r} has {strange!r}", instead))
    kept = [placed for placed in found if fits(placed, where)]
    if not kept:
        what = f"fits none of the {len(found):,} problems of {source!r}"
        raise UserError(Mistake("problems.where", what, "loosen it"))
    return kept


def _row(placed: Placed) -> dict[str, object]:
    return {**placed.problem.extra, "id": placed.problem.id}


def fits(placed: Placed, where: Mapping[str, Sequence[object]]) -> bool:
    """Whether each column has one of its good values."""
    row = _row(placed)
    return all(_is_one_of(row.get(column), wanted) for column, wanted in where.items())


def _is_one_of(value: object, wanted: Sequence[object]) -> bool:
    """In a CSV file all values are text."""
    return any(value == want or _text(value) == _text(want) for want in wanted)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
