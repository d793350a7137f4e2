"""Draws depend on seed, problem, sample and purpose, and on nothing else."""

from itertools import product

from relay.draws import generator, seed_of


def test_a_seed_is_the_same_in_every_process() -> None:
    assert seed_of(7, "p", 0, "write", "main", 1, "0") == 4499038729170106912


def test_seeds_of_neighbours_differ() -> None:
    seeds = {seed_of(s, p, k, "write", n, v) for s, p, k, n, v in product(range(4), "ab", range(8), "xy", range(4))}
    assert len(seeds) == 4 * 2 * 8 * 2 * 4


def test_parts_cannot_run_into_each_other() -> None:
    assert seed_of(1, "a", 1, "bc", "d") != seed_of(1, "a", 1, "b", "cd")


def test_a_seed_has_63_bits() -> None:
    assert all(0 <= seed_of(0, "p", k) < 2**63 for k in range(200))


def test_a_generator_repeats_itself() -> None:
    assert generator(1, "p", 2, "x").random() == generator(1, "p", 2, "x").random()
