"""Training one model by its recipe, with the Trainer of transformers: it goes on after a kill where it was."""

import json
import os
import platform
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.train.cards import card
from relay.train.lessons import IGNORED, Lesson, Lessons
from relay.train.recipes import Recipe
from relay.train.words import ASSISTANT, END, PAD, SYSTEM, TEMPLATE, USER, tokenizer_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTEXT = 1024  # tokens
SAVE_EVERY = 250  # steps between two checkpoints
FACTS = "training.json"


class Step(NamedTuple):
    """How far a training is."""

    done: int
    tokens: int  # read in this process
    loss: float | None  # over the last steps; None: not known yet


def train(
    recipe: Recipe, seed: int, folder: Path, tell: Callable[[Step], bool | None], save_every: int = SAVE_EVERY
) -> bool:
    """Train it and save it into this folder, in Hugging Face format and with a card; whether it came to its end.

    Where `tell` returns True it stops behind this step, with a checkpoint. Checkpoints lie beside the folder; where
    there is one of the same recipe and seed, the training goes on from there.
    """
    import transformers

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    tokenizer = tokenizer_of(recipe)
    transformers.set_seed(seed)
    model = transformers.LlamaForCausalLM(_config(recipe, tokenizer))
    checkpoints = folder.with_name(f"{folder.name}.checkpoints") / f"{recipe.fingerprint}-{seed}"
    trainer = _trainer(model, recipe, seed, Lessons(recipe, seed, tokenizer), checkpoints, tell, save_every)
    last = whole_checkpoint(checkpoints)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if trainer.state.global_step < recipe.steps:
        return False
    whole = folder.with_name(f"{folder.name}.whole")  # what is in `folder` is never half a model
    shutil.rmtree(whole, ignore_errors=True)
    model.save_pretrained(whole)
    _fast(tokenizer).save_pretrained(whole)
    parameters = sum(p.numel() for p in model.parameters())
    facts = {**_facts(recipe, seed, parameters), **trainer.relay_facts()}
    (whole / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (whole / "README.md").write_text(card(recipe, facts), encoding="utf-8")
    whole.replace(folder)
    return True


def whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end: the state is written last."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _trainer(
    model: Any,
    recipe: Recipe,
    seed: int,
    lessons: Lessons,
    folder: Path,
    tell: Callable[[Step], bool | None],
    every: int,
) -> Any:
    import transformers
    from torch.utils.data import SequentialSampler

    class Telling(transformers.TrainerCallback):
        """Says how far it is, and counts what it took."""

        def __init__(self) -> None:
            self.tokens = 0
            self.loss: float | None = None
            self.began, self.cpu = time.monotonic(), time.process_time()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.tokens += sum(len(lesson.ids) for lesson in lessons[state.global_step - 1])
            if tell(Step(state.global_step, self.tokens, self.loss)):
                control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            self.loss = float((logs or {}).get("loss", self.loss or 0.0)) or self.loss

    class InOrder(transformers.Trainer):
        """Lessons come in the order of their numbers."""

        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return SequentialSampler(lessons)

        def relay_facts(self) -> dict[str, object]:
            """What this process took; a training that was resumed took more."""
            return {
                "loss": telling.loss,
                "tokens": telling.tokens,
                "wall_seconds": round(time.monotonic() - telling.began),
                "cpu_seconds": round(time.process_time() - telling.cpu),
            }

    arguments = _arguments(recipe, seed, folder, every)
    telling = Telling()
    trainer = InOrder(model=model, args=arguments, train_dataset=lessons, data_collator=_padded, callbacks=[telling])
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _arguments(recipe: Recipe, seed: int, folder: Path, every: int) -> Any:
    import transformers

    return transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=1,  # a batch of lessons
        learning_rate=recipe.rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.steps // 30,
        adam_beta2=0.95,
        weight_decay=0.1,
        max_grad_norm=1.0,
        save_steps=every,
        save_total_limit=2,
        logging_steps=min(25, every),
        seed=seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )


def _fast(tokenizer: "Tokenizer") -> Any:
    """The tokenizer as transformers has it, with its template."""
    import transformers

    fast = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, model_max_length=CONTEXT,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = TEMPLATE
    return fast


def _config(recipe: Recipe, tokenizer: "Tokenizer") -> Any:
    import transformers

    return transformers.LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=recipe.width,
        intermediate_size=3 * recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(PAD),
    )


def _facts(recipe: Recipe, seed: int, parameters: int) -> dict[str, object]:
    """What made it."""
    import torch
    import transformers

    return {
        "recipe": recipe.name,
        "fingerprint": recipe.fingerprint,
        "seed": seed,
        "parameters": parameters,
        "steps": recipe.steps,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads"
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _padded(batches: Sequence[Sequence[Lesson]]) -> dict[str, Any]:
    """The one batch of this list as tensors, padded on the right: no token looks that far, so no mask is needed."""
    import torch

    (lessons,) = batches
    longest = max(len(lesson.ids) for lesson in lessons)

    def rows(values: Sequence[Sequence[int]], filler: int) -> Any:
        return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in values])

    return {
        "input_ids": rows([lesson.ids for lesson in lessons], 0),
        "labels": rows([lesson.labels for lesson in lessons], IGNORED),
    }
