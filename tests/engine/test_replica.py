"""How long calls take on a simulated server, and what it remembers."""

from hypothesis import given
from hypothesis import strategies as st

from relay.engine.replica import Cache, Replicas, Speed


def test_a_call_takes_its_latency_its_prompt_and_its_tokens() -> None:
    speed = Speed(decode=50, prefill=1000, latency=0.5)
    assert speed.seconds(2000, 100) == 0.5 + 2 + 2
    assert speed.decoded_in(4.5, 2000) == 100
    assert speed.decoded_in(1.0, 2000) == 0


def test_a_third_call_waits_for_the_first_of_two_slots() -> None:
    two = Replicas(2, Speed())
    assert two.wait(0.0) == 0.0
    two.take(10.0)
    two.take(4.0)
    assert two.wait(1.0) == 3.0
    two.take(8.0)
    assert (two.wait(5.0), two.wait(8.0)) == (3.0, 0.0)


@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_what_is_cached_is_the_common_beginning_in_whole_blocks_less_the_last_token(a: list[int], b: list[int]) -> None:
    cache = Cache(block=4)
    cache.keep(tuple(a), "problem")
    common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    assert cache.cached(tuple(b), "problem") == min(common, len(b) - 1) // 4 * 4
    assert cache.cached(tuple(b), "other") == 0
