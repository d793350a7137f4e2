"""Rows of sums without words around them: what teaches arithmetic fastest, beside the thoughts that use it."""

from random import Random

from relay.families.tasks import HIGHEST, LEAST, Step, changed, held_out
from relay.train.thoughts import Piece

SUMS = 12  # in a row
PRODUCTS = 0.2  # share of them that are products or quotients


def drill(draw: Random) -> list[Piece]:
    """A row of sums, written as in a thought; only the results are learnt."""
    pieces: list[Piece] = []
    while len(pieces) < 3 * SUMS:
        step = _product(draw) if draw.random() < PRODUCTS else _sum(draw)
        asked, _, result = step.claim.partition(" = ")
        if not held_out(asked):
            pieces += [Piece(f" {asked} =", False), Piece(f" {result}"), Piece(".", False)]
    return pieces


def _sum(draw: Random) -> Step:
    number = draw.randint(LEAST, HIGHEST)
    sign, other = changed(draw, number)
    return Step(number, sign, other, number + other if sign == "+" else number - other)


def _product(draw: Random) -> Step:
    one, other = draw.randint(2, 9), draw.randint(2, 11)
    return Step(one, "*", other, one * other) if draw.random() < 0.5 else Step(one * other, "/", one, other)
