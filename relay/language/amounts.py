"""Amounts of text, always maps and always plural: {share: .4}, {tokens: 64}, {sentences: 1}, {paragraphs: 2}."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from relay.language.shapes import Count, Fraction, Frozen, Kind, OneOf

Cut = Literal["nearest", "before", "after"]
Unit = Literal["tokens", "chunks"]  # of its author's, or of about 30 words


class Share(Frozen):
    """A share of what it is taken from; short: the number alone."""

    share: Fraction

    def __str__(self) -> str:
        return f"{self.share:g} of the tokens"


NOTHING_OF_IT = Share(share=0)


class Tokens(Frozen):
    """So many tokens."""

    tokens: Count

    def __str__(self) -> str:
        return _counted(self.tokens, "token")


class Sentences(Frozen):
    """So many sentences."""

    sentences: Count

    def __str__(self) -> str:
        return _counted(self.sentences, "sentence")


class Paragraphs(Frozen):
    """So many paragraphs."""

    paragraphs: Count

    def __str__(self) -> str:
        return _counted(self.paragraphs, "paragraph")


def _counted(k: int, noun: str) -> str:
    return f"{k} {noun}" if k == 1 else f"{k} {noun}s"


def _share(number: float) -> Share:
    return Share(share=number)


TOKENS = Kind("<tokens>", Tokens, "tokens")
SENTENCES = Kind("<sentences>", Sentences, "sentences")
PARAGRAPHS = Kind("<paragraphs>", Paragraphs, "paragraphs")

Amount = Annotated[
    Share | Tokens | Sentences | Paragraphs,
    OneOf(
        Kind("<number>", Annotated[Fraction, AfterValidator(_share)], of=(int, float)),
        Kind("<share>", Share, "share"),
        TOKENS,
        SENTENCES,
        PARAGRAPHS,
    ),
]

Length = Annotated[
    Share | Tokens,
    OneOf(
        Kind("<number>", Annotated[Fraction, AfterValidator(_share)], of=(int, float)),
        Kind("<share>", Share, "share"),
        TOKENS,
    ),
]
