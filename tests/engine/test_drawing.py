"""Drawing tokens: each row by its own sampling and number."""

import random
from typing import Any

import pytest
import torch
from scipy.stats import chisquare

from relay.engine import Sampling
from relay.engine.drawing import NO_NUMBERS, draw

LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -3.0])


def exact(temperature: float, top_p: float, logits: Any = LOGITS) -> list[float]:
    """The distribution by the definition: the smallest head of the sorted tokens that holds top_p, renormalized."""
    probabilities = torch.softmax(logits.double() / temperature, -1).tolist()
    kept: list[int] = []
    for i in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        kept.append(i)
        if sum(probabilities[k] for k in kept) >= top_p:
            break
    mass = sum(probabilities[k] for k in kept)
    return [p / mass if i in kept else 0.0 for i, p in enumerate(probabilities)]


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.6, 0.95), (0.6, 0.5), (2.0, 0.8), (1.0, 0.05)])
def test_draws_follow_the_exact_distribution(temperature: float, top_p: float) -> None:
    numbers, n = random.Random(7), 20_000
    drawn = draw(LOGITS.expand(n, -1).clone(), [Sampling(temperature, top_p)] * n, [numbers.random() for _ in range(n)])
    expected = exact(temperature, top_p)
    counts = [drawn.count(i) for i in range(len(expected))]
    assert all(count == 0 for count, p in zip(counts, expected, strict=True) if p == 0)
    possible = [(count, p * n) for count, p in zip(counts, expected, strict=True) if p > 0]
    if len(possible) > 1:
        assert chisquare(*map(list, zip(*possible, strict=True))).pvalue > 0.001


@pytest.mark.parametrize("top_p", [0.3, 0.9, 1.0])
def test_a_nucleus_wider_than_the_sorted_head_is_drawn_from_whole(top_p: float) -> None:
    """Of 2,000 tokens that are all but equal, the nucleus holds hundreds; every part of it is drawn as often."""
    logits = torch.linspace(0.001, 0, 2000)
    numbers, n = random.Random(1), 1500
    drawn = draw(logits.expand(n, -1).clone(), [Sampling(1.0, top_p)] * n, [numbers.random() for _ in range(n)])
    assert max(drawn) < 2000 * top_p + 2
    tenths = [0] * 10
    for i in drawn:
        tenths[min(9, int(i / (2000 * top_p) * 10))] += 1
    assert chisquare(tenths).pvalue > 0.001


def test_a_draw_does_not_depend_on_the_other_rows() -> None:
    torch.manual_seed(0)
    logits = torch.randn(12, 700) * 3
    samplings = [Sampling((0.0, 0.6, 1.5)[i % 3], (1.0, 0.9, 0.5, 0.99)[i % 4]) for i in range(12)]
    numbers = [random.Random(i).random() for i in range(12)]
    alone = [draw(logits[i : i + 1].clone(), [samplings[i]], [numbers[i]])[0] for i in range(12)]
    assert draw(logits.clone(), samplings, numbers) == alone


def test_temperature_zero_takes_the_most_probable_and_the_smallest_temperature_does_not_overflow() -> None:
    samplings = [Sampling(0.0, 0.1), Sampling(1e-30, 1.0)]
    assert draw(torch.stack([LOGITS, LOGITS.flip(0) * 1000]), samplings, [0.99, 0.99]) == [0, 5]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_without_numbers_is_told_apart_and_the_others_are_drawn(temperature: float) -> None:
    bad = torch.full((6,), float("nan"))
    nothing = torch.full((6,), -float("inf"))
    drawn = draw(torch.stack([bad, LOGITS, nothing]), [Sampling(temperature, 1.0)] * 3, [0.1] * 3)
    assert drawn == [NO_NUMBERS, 0, NO_NUMBERS]


@pytest.mark.parametrize("top_p", [0.9, 1.0])
def test_what_is_lost_in_rounding_changes_next_to_no_draw(top_p: float) -> None:
    """Passes of other shapes give logits that differ in their sixth digit: the order of like tokens is another then."""
    torch.manual_seed(3)
    logits, n = torch.randn(800) * 2, 20_000
    noise, numbers = torch.randn(n, 800) * 5e-6, [random.Random(i).random() for i in range(n)]
    one, two = (
        draw(some, [Sampling(1.0, top_p)] * n, numbers) for some in (logits.expand(n, -1).clone(), logits + noise)
    )
    assert sum(a != b for a, b in zip(one, two, strict=True)) <= 10
