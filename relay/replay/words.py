"""How the models of a recorded run read and spell: from the run file or, where it keeps no tokenizers, found here."""

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import tokenizers

from relay.engine import Engine, Words
from relay.engine.transformers import TransformersModel
from relay.errors import Mistake, UserError
from relay.language.models import Model
from relay.language.reading import from_tree
from relay.language.telling import did_you_mean
from relay.replay.source import Source
from relay.seam.policies import Policy, policy
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer


async def words_of(source: Source, name: str) -> Words:
    """Those of the model of this name in the run. Raises UserError where they cannot be had."""
    models = source.meta.get("models") or {}
    where = f"{source.path}: model {name!r}"
    if name not in models:
        there = f"there are {', '.join(sorted(models))}" if models else "it ended before any was loaded"
        raise UserError(Mistake(where, "is not one that this run used", did_you_mean(name, sorted(models)) or there))
    kept = (source.meta.get("recording") or {}).get("models", {}).get(name)
    found = _kept(source, kept, where) if kept is not None else await _here(source, name, where)
    now = {"tokenizer": found.tokenizer.fingerprint, "template": found.template.fingerprint}
    for what, fingerprint in now.items():
        if fingerprint != models[name][what]:
            wrong = f"its {what} here is not the one of the run ({fingerprint}, not {models[name][what]})"
            raise UserError(Mistake(where, wrong, "take the files that the run was made with"))
    return found


def _kept(source: Source, kept: Mapping[str, Any], where: str) -> Words:
    rows = source.query("SELECT json FROM tokenizer WHERE fingerprint = ?", kept["tokenizer"])
    try:
        tokenizer = _read(rows[0][0]).ending(kept["eos"])
        return Words(tokenizer, Template(tokenizer, **kept["template"]), kept["context"])
    except Exception as error:  # the library raises bare Exceptions
        what = f"its tokenizer in the recording is damaged: {type(error).__name__}: {error}"
        raise UserError(Mistake(where, what, "take a whole copy")) from error


@lru_cache(maxsize=16)
def _read(packed: bytes) -> Tokenizer:
    """A large one takes a second, and each model of a run asks for those of all."""
    return Tokenizer.from_rust(tokenizers.Tokenizer.from_str(zlib.decompress(packed).decode()))


async def _here(source: Source, name: str, where: str) -> Words:
    """From the model's own files: the run keeps but their fingerprints."""
    models = from_tree(source.meta["scenario"], str(source.path)).cells[0].scenario.models
    try:
        found = await _of(models[name])
        twins = [n for n, facts in source.meta["models"].items() if n != name and _same(source, n, name)]
        for twin in twins if found is None else ():
            found = found or await _of(models[twin])
        if found is not None and not models[name].writes:  # only recorded in the pool: it has no template of its own
            found = Words(found.tokenizer, Template(found.tokenizer, None), 0)
    except UserError as error:
        what = f"its tokenizer is not in the run, which was made without --record, nor here: {error.mistakes[0]}"
        raise UserError(Mistake(where, what)) from error
    if found is None:
        what = "its tokenizer is not in the run, which was made without --record"
        raise UserError(Mistake(where, what, "record a run: `relay run --record`"))
    told = source.meta["models"][name].get("server_context")  # what its servers said
    return found if told is None else found._replace(context=int(told))


def _same(source: Source, one: str, other: str) -> bool:
    return bool(source.meta["models"][one]["tokenizer"] == source.meta["models"][other]["tokenizer"])


async def _of(model: Model) -> Words | None:
    """What the model says itself, or what the files of a model of its name say."""
    found = await model.words()
    name, revision = getattr(model, "model", None), getattr(model, "revision", None)
    if found is not None or not model.writes or not isinstance(name, str):
        return found
    plain = {"context": model.context, "thinking": model.thinking}
    return await TransformersModel.model_validate({"model": name, "revision": revision, **plain}).words()


async def policies_of(
    source: Source, reader: str, tokenizer: Tokenizer, there: Mapping[str, Engine]
) -> dict[str, Policy]:
    """How this model was given what others wrote, by their tokenizers' fingerprints; `there` are engines that are open.

    Only where ids were mapped need the other's tokenizer be known.
    """
    handoffs = source.meta.get("handoffs") or []
    mapped = [h["author"] for h in handoffs if h["reader"] == reader and h["policy"] == "ids with map"]
    authors = [await _tokenizer(source, name, there) for name in mapped]
    return {author.fingerprint: policy(author, tokenizer) for author in authors}


async def others_ends(source: Source, reader: str, tokenizer: Tokenizer, there: Mapping[str, Engine]) -> frozenset[int]:
    """The ids that end the turns of the models that share this one's tokenizer, and not its own."""
    models = source.meta.get("models") or {}
    alike = [n for n, facts in models.items() if n != reader and facts["tokenizer"] == tokenizer.fingerprint]
    ends = [(await _tokenizer(source, name, there)).eos for name in alike]
    return frozenset().union(*ends) - tokenizer.eos


async def _tokenizer(source: Source, name: str, there: Mapping[str, Engine]) -> Tokenizer:
    return there[name].tokenizer if name in there else (await words_of(source, name)).tokenizer
