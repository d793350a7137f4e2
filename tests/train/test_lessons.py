"""What the small models learn from: right reasoning, detours that are read and not learnt, ids that say the text."""

import random
import re
from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from relay.families.tasks import Task, held_out
from relay.train.lessons import IGNORED, Lesson, Lessons
from relay.train.recipes import DETOURS, RECIPES, Recipe
from relay.train.thoughts import ASTRAY, BACK, answered
from relay.train.words import tokenizer_of

STITCH = "\nWait. Let me think\n"
UNSEEN_STITCH = "\nHold on. Consider this instead\n"  # of the cards: neither model has read its words
CLAIM = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
WORDS = {name: tokenizer_of(recipe) for name, recipe in RECIPES.items()}


def drawn(recipe: Recipe, count: int = 400) -> Iterator[tuple[Task, random.Random]]:
    draw = random.Random(11)
    for task in islice(recipe.tasks(draw), count):
        yield task, draw


def thoughts(name: str, count: int = 400) -> list[str]:
    recipe = RECIPES[name]
    return ["".join(piece.text for piece in recipe.thought(task, draw)) for task, draw in drawn(recipe, count)]


@pytest.mark.parametrize("name", RECIPES)
def test_all_that_a_thought_claims_is_true_and_it_ends_with_the_answer(name: str) -> None:
    recipe = RECIPES[name]
    for task, draw in drawn(recipe):
        pieces = recipe.thought(task, draw)
        text = "".join(piece.text for piece in pieces)
        for left, sign, right, result in CLAIM.findall(text):
            assert eval(f"{left} {sign.replace('/', '//')} {right}") == int(result), text
        assert pieces[-1].learnt
        assert re.search(rf"nswer is {task.answer}\.$", text), text
        assert answered(task).endswith(f"\\boxed{{{task.answer}}}.")


@pytest.mark.parametrize("name", RECIPES)
def test_every_claim_that_is_learnt_is_a_step_of_the_task_or_its_proof(name: str) -> None:
    recipe = RECIPES[name]
    for task, draw in drawn(recipe):
        own = {told for step in task.steps for told in (step.claim, step.proof)}
        learnt = " ".join(piece.text for piece in recipe.thought(task, draw) if piece.learnt)
        assert {match.group() for match in CLAIM.finditer(learnt)} <= own, learnt


def test_after_a_detour_the_way_back_is_learnt() -> None:
    recipe = RECIPES["tiny-backtrack"]
    strayed = 0
    for task, draw in drawn(recipe):
        pieces = recipe.thought(task, draw)
        for before, after in pairwise(pieces):
            if not before.learnt and after.learnt:
                strayed += 1
                assert after.text.strip() in BACK
    assert strayed > 100


def test_the_straight_models_never_stray() -> None:
    for name in ("tiny", "tiny-guide", "tiny-calc"):
        assert not any(phrase in text for text in thoughts(name) for phrase in (*ASTRAY, *BACK))


def test_the_contrast_is_not_trained_to_the_test() -> None:
    """The stitch's words are in the data of both models; detours have other words and are never about a chain."""
    assert all(part.family != "chain" for part in DETOURS)
    for name in ("tiny", "tiny-backtrack"):
        texts = thoughts(name)
        for words in ("Wait", "Let me think", "\n"):
            assert sum(words in text for text in texts) > 20, (name, words)
        for stitch in (STITCH.strip(), UNSEEN_STITCH.strip()):
            assert not any(stitch in text for text in texts)
    recipe = RECIPES["tiny-backtrack"]
    away = [p.text for task, draw in drawn(recipe) for p in recipe.thought(task, draw) if not p.learnt]
    unseen = {"Wait", "think", "Hold", "Consider", "instead"}
    assert len(away) > 200
    assert not any(unseen & set(re.findall(r"\w+", text)) for text in [*away, *BACK])
    assert not any({"Hold", "Consider", "instead"} & set(re.findall(r"\w+", text)) for text in thoughts("tiny"))


def test_both_of_the_contrast_have_the_same_size_steps_and_words() -> None:
    plain, strays = RECIPES["tiny"], RECIPES["tiny-backtrack"]
    for field in ("mix", "drills", "pattern", "vocabulary", "width", "layers", "heads", "steps", "batch", "rate"):
        assert getattr(plain, field) == getattr(strays, field)
    assert WORDS["tiny"].to_str() == WORDS["tiny-backtrack"].to_str()


@pytest.mark.parametrize("reader", RECIPES)
def test_every_tokenizer_is_lossless_on_the_texts_of_every_family(reader: str) -> None:
    words = WORDS[reader]
    for writer in RECIPES:
        for text in thoughts(writer, 100):
            assert words.decode(words.encode(text).ids, skip_special_tokens=False) == text


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_every_tokenizer_is_lossless_on_any_text(text: str) -> None:
    for words in WORDS.values():
        assert words.decode(words.encode(text).ids, skip_special_tokens=False) == text


def test_the_guide_s_tokens_reach_over_spaces_and_sentence_ends_and_digits_stand_apart() -> None:
    tokens = [token.replace("Ġ", " ").replace("Ċ", "\n") for token in WORDS["tiny-guide"].get_vocab()]
    assert any(re.search(r"\. \w", token) for token in tokens)
    assert any(re.search(r"\n\w", token) for token in tokens)
    assert any(re.search(r"^ [-+*] $", token) for token in tokens)
    for words in WORDS.values():
        assert not [token for token in words.get_vocab() if len(re.findall(r"\d", token)) > 1]
    assert not [t for t in WORDS["tiny-calc"].get_vocab() if re.search(r"[^\d]\d|\d[^\d]", t) and not t.startswith("<")]


@pytest.fixture(scope="module")
def small() -> tuple[Lessons, Tokenizer]:
    recipe = RECIPES["tiny-backtrack"]
    return Lessons(recipe, 1, WORDS[recipe.name]), WORDS[recipe.name]


def conversations(lessons: Lessons, words: Tokenizer, batches: int = 4) -> list[Lesson]:
    start = words.token_to_id("<|user|>")
    return [each for number in range(batches) for each in lessons[number] if each.ids[0] == start]


def test_drills_are_as_many_as_the_recipe_says_and_teach_results_only(small: tuple[Lessons, Tokenizer]) -> None:
    lessons, words = small
    rows = [each for number in range(8) for each in lessons[number]]
    drills = [each for each in rows if each not in conversations(lessons, words, 8)]
    assert len(drills) == round(RECIPES["tiny-backtrack"].drills * len(rows))
    for each in drills:
        text = words.decode(each.ids)
        assert re.fullmatch(r"( \d+ [-+*/] \d+ = \d+\.)+", text)
        learnt = words.decode([label for label in each.labels if label != IGNORED])
        assert learnt == "".join(f" {result}" for *_, result in CLAIM.findall(text))
        for left, sign, right, result in CLAIM.findall(text):
            assert eval(f"{left} {sign.replace('/', '//')} {right}") == int(result)
            assert not held_out(f"{left} {sign} {right}")


def test_a_lesson_s_ids_say_the_conversation(small: tuple[Lessons, Tokenizer]) -> None:
    lessons, words = small
    for lesson in conversations(lessons, words):
        text = words.decode(lesson.ids, skip_special_tokens=False)
        assert re.fullmatch(
            r"<\|user\|>.+<\|end\|><\|assistant\|><think>.+</think>\nThe answer is \\boxed\{\d+\}\.<\|end\|>",
            text, flags=re.DOTALL,
        ), text  # fmt: skip


def test_only_what_follows_the_open_thinking_is_learnt_and_no_detour(small: tuple[Lessons, Tokenizer]) -> None:
    lessons, words = small
    start = words.token_to_id("<think>")
    masked = 0
    for lesson in conversations(lessons, words, 8):
        head = lesson.ids.index(start) + 1
        assert set(lesson.labels[:head]) == {IGNORED}
        assert all(label in (IGNORED, id) for id, label in zip(lesson.ids, lesson.labels, strict=True))
        learnt = words.decode([label for label in lesson.labels if label != IGNORED], skip_special_tokens=False)
        assert not any(phrase in learnt for phrase in ASTRAY)
        masked += IGNORED in lesson.labels[head:]
        assert lesson.labels[-1] == words.token_to_id("<|end|>")
    assert masked > 30


def test_a_batch_depends_on_its_number_alone(small: tuple[Lessons, Tokenizer]) -> None:
    lessons, words = small
    forwards = [lessons[number] for number in range(10)]
    other = Lessons(RECIPES["tiny-backtrack"], 1, words)
    assert [other[number] for number in reversed(range(10))] == forwards[::-1]
    assert Lessons(RECIPES["tiny-backtrack"], 2, words)[0] != forwards[0]
