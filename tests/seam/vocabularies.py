"""Small vocabularies of every kind that real models have, trained or written down here."""

import json
from collections.abc import Sequence

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from relay.seam.tokens import Tokenizer

WORDS = """
We add the two numbers and look at what is left. So the sum of these is the other one, and that is what we want.
Then we have two of them. Wait, let me think about this again: is it right? The answer is the sum of the first and
the second, so we take the first number, which is known, and the next. Let me see. If this holds, then all of it does.
1 2 3 4 5 6 7 8 9 10 11 12 = + - * / ( ) [ ] { } x y z
"""


def _finished(spec: dict[str, object], added: Sequence[str], eos: Sequence[str], opens: str) -> Tokenizer:
    tok = tokenizers.Tokenizer.from_str(json.dumps(spec))
    tok.add_special_tokens(list(added))
    if opens:
        special = [(opens, tok.token_to_id(opens))]
        tok.post_processor = processors.TemplateProcessing(single=[opens, "$A"], special_tokens=special)
    return Tokenizer.from_rust(tok, eos)


def byte_level(added: Sequence[str], eos: Sequence[str], *, size: int = 420, opens: str = "") -> Tokenizer:
    """Bytes and what often stands together, as Qwen, Llama 3 and SmolLM2 have it. `opens` is put before each text."""
    tok = tokenizers.Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(
        [WORDS], trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    return _finished(json.loads(tok.to_str()), added, eos, opens)


def metaspace(added: Sequence[str], eos: Sequence[str], *, opens: str = "") -> Tokenizer:
    """`▁` for a space, bytes for what has no sign, runs of spaces as added tokens, as Gemma and Llama 2 have it."""
    tok = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex("▁*[^▁]*"), "isolated")
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    first = ["<unk>", *(f"<0x{b:02X}>" for b in range(256))]
    alphabet = [*map(chr, range(33, 127)), "▁", "\n"]
    trainer = trainers.BpeTrainer(vocab_size=520, initial_alphabet=alphabet, show_progress=False)
    tok.train_from_iterator([WORDS], trainer)
    spec = json.loads(tok.to_str())
    learned = spec["model"]["vocab"]
    runs = ["▁▁", "▁▁▁"]
    spec["model"]["vocab"] = {t: i for i, t in enumerate([*first, *learned, *runs])}
    spec["model"]["merges"] += [["▁", "▁"], ["▁▁", "▁"]]
    return _finished(spec, [*added, *runs], eos, opens)


def word_level(signs: str, added: Sequence[str], eos: Sequence[str]) -> Tokenizer:
    """Words, and these signs for what no word is."""
    words = sorted(set(WORDS.split()))
    known = dict.fromkeys(["?!", *words, *sorted(set(signs) | set(WORDS))])
    tok = tokenizers.Tokenizer(models.WordLevel({w: i for i, w in enumerate(known)}, unk_token="?!"))
    tok.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(r"[A-Za-z]+|[^A-Za-z]"), "isolated")
    return _finished(json.loads(tok.to_str()), added, eos, "")
