"""What has to be known of other models before one reads again what it read in a run."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from relay.engine.scripted import shipped
from relay.replay import words


async def test_the_tokenizer_of_a_model_that_spells_alike_is_wanted_for_its_turns_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def words_of(source: object, name: str) -> Any:
        asked.append(name)
        return SimpleNamespace(tokenizer=shipped())

    monkeypatch.setattr(words, "words_of", words_of)
    facts = {"tokenizer": shipped().fingerprint}
    source = cast(Any, SimpleNamespace(meta={"handoffs": [], "models": {"a": facts, "b": facts}}))
    assert await words.policies_of(source, "a", shipped(), {}) == {}
    assert asked == []
    assert await words.others_ends(source, "a", shipped(), {}) == frozenset()
    assert asked == ["b"]
