"""How long the solos are that the pool holds."""

from contextlib import closing
from pathlib import Path

from relay.pool import Pool

_LENGTHS = """
SELECT json_extract(made.facts, '$.model'), avg(length(solo.ids) / 4.0) FROM solo JOIN made USING (address)
WHERE json_extract(made.facts, '$.engine') != 'recorded' GROUP BY 1
"""


def usual_lengths(pool: Path) -> dict[str, float]:
    """Tokens of a solo in the pool, on average, by the model's name. Empty where there is no pool yet."""
    if not pool.is_file():
        return {}
    with closing(Pool(pool)) as opened:
        return {name: length for name, length in opened.db.execute(_LENGTHS) if name and length}
