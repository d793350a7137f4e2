"""The prompts of a run, made again from its hops: to say where another prompt leaves them."""

from collections.abc import Mapping
from functools import lru_cache

from relay.errors import SeamError
from relay.language.sweeps import VARIABLE
from relay.replay.source import Source, Visited
from relay.seam.handoff import Reader
from relay.seam.policies import Policy, policy
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.store.rows import unpack


class Prompts:
    """What the models of a run were given at each of its hops."""

    def __init__(self, source: Source, tokenizers: Mapping[str, Tokenizer]) -> None:
        """`tokenizers`: by model; where one is missing, the prompts of those who may have read it are not known."""
        self._source = source
        self._tokenizers = tokenizers
        self._policies: dict[str, dict[str, Policy]] = {}
        self._reader = lru_cache(maxsize=1024)(self._read)

    def of(self, rollout: int, model: str, visited: Visited) -> list[int] | None:
        """The ids that the model was given at this visit; None where they are not known."""
        reader = self._reader(rollout, model)
        graph = self._source.meta["scenario"].get("graph", {})
        if reader is None or visited.hop.node not in graph.get("edges", {}):
            return None  # a judge that a watcher asks reads what is still being written
        nodes = graph.get("nodes", {})
        node = nodes.get(visited.hop.node) or {}
        asked = str(node.get("ask") or "")
        if VARIABLE.search(asked):
            return None
        try:
            return [*reader.prompt(visited.before).ids, *self._tokenizers[model].encode(asked)]
        except SeamError:
            return None

    def _read(self, rollout: int, model: str) -> Reader | None:
        known = {tokenizer.fingerprint for tokenizer in self._tokenizers.values()}
        facts = self._source.meta.get("models") or {}
        if model not in self._tokenizers or not {its["tokenizer"] for its in facts.values()} <= known:
            return None
        rows = self._source.query(
            "SELECT ids, h.text, thinking FROM head h JOIN name n ON n.id = h.model WHERE n.text = ? AND problem = ?",
            model, self._source.problem(rollout),
        )  # fmt: skip
        if not rows:
            return None
        ids, text, thinking = rows[0]
        return Reader(self._tokenizers[model], Head(unpack(ids), text, thinking), self._policies_of(model))

    def _policies_of(self, model: str) -> dict[str, Policy]:
        if model not in self._policies:
            reader = self._tokenizers[model]
            self._policies[model] = {t.fingerprint: policy(t, reader) for t in self._tokenizers.values()}
        return self._policies[model]
