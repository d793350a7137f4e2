"""An engine that holds an engine and, for all that it does not do itself, is that engine."""

from collections.abc import Mapping
from typing import Any

from relay.engine import Engine
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer


class Around:
    """What it does not know of itself, it asks the engine within."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def tokenizer(self) -> Tokenizer:
        """That of the engine within."""
        return self._engine.tokenizer

    @property
    def template(self) -> Template:
        """That of the engine within."""
        return self._engine.template

    @property
    def context(self) -> int:
        """That of the engine within."""
        return self._engine.context

    @property
    def rows(self) -> int:
        """Those of the engine within."""
        return self._engine.rows

    @property
    def facts(self) -> Mapping[str, str]:
        """Those of the engine within: whoever looks on changes nothing of what it says."""
        return self._engine.facts

    async def aclose(self) -> None:
        """Close the engine within."""
        await self._engine.aclose()

    def __getattr__(self, name: str) -> Any:
        """What else the engine within can do, such as `score`."""
        return getattr(self._engine, name)
