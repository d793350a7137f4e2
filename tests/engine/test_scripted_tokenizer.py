"""The tokenizer that ships with the scripted engine, and the recipe that made it.

`python tests/engine/test_scripted_tokenizer.py` trains it anew and writes it into the package.
"""

import random
import sys
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

import relay.engine
from relay.seam.tokens import Tokenizer

SHIPPED = Path(relay.engine.__file__).parent / "scripted-tokenizer.json"
SIZE = 1000
SPECIAL = ["<|end|>", "<|user|>", "<|assistant|>", "<think>", "</think>"]
# Digits stand alone, a space belongs to the word after it, newlines to the punctuation before them.
SPLIT = r" ?\p{L}+|'\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+\n*|\s*\n+|\s+(?!\S)|\s+"

_NAMES = "Ada Ben Clara Dan Eva Finn Grace Hugo Iris Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tom Vera"
_THINGS = (
    "apples books cards coins cookies eggs flowers letters marbles miles minutes oranges pages pencils "
    "points seats stamps steps stones tickets trees hours dollars boxes"
)
NAMES, THINGS = _NAMES.split(), _THINGS.split()
OPENINGS = """
Okay, so {name} has {a} {things} and gets {b} more.
Let me think about this step by step.
First, I need to find out how many {things} there are in all.
The question asks for the number of {things} left over.
Let me start with what is given: {a} {things} for each of the {b} people.
We know that {name} had {a} {things} at first.
Let x be the number of {things} that {name} has now.
So the problem says that there are {a} rows with {b} seats each.
Let's see. {name} buys {a} {things} and gives {b} of them to a friend.
I want to work out the total cost before anything else.
Suppose the train travels {a} miles every hour for {b} hours.
The sum of the two numbers is {a}, and their difference is {b}.
""".strip().splitlines()
MIDDLES = """
That means {a} + {b} = {sum}.
Then I subtract {b} from {sum}, which gives {a}.
So {a} times {b} is {product}.
Next, I multiply {a} by {b} to get {product}.
Now the remaining {things} must be shared between {b} people.
If we divide {product} by {b}, the result is {a}.
Because each of them costs {a} dollars, the price is {product}.
This is the same as {a} * {b} = {product}, so the equation holds.
Therefore the left side equals the right side.
Adding {a} and {b} together makes {sum}.
Half of them are gone after the second day, and the rest are still there.
We can write this as x = {sum} - {b}.
Since {sum} is greater than {a}, the answer should be positive.
The next step is to put this value back into the first equation.
There are two different ways to reach the same number.
In other words, every group has the same number of {things}.
It would take {a} minutes to do that, and then another {b}.
Wait, let me check that again.
Hmm, that doesn't look right.
Wait. Let me think about it once more.
Actually, I made a mistake here: it should be {sum}, not {a}.
Let me double-check: {sum} - {b} = {a}. Yes, that is correct.
Is that really what they want? I think so.
Alternatively, we could count the {things} one by one.
But I should be careful not to count anything twice.
Good, both of these methods agree!
The main idea is to keep track of what changes and what stays the same.
I am not sure yet whether this is right, so let me try a small example.
To be safe, let me go through the whole argument again from the beginning.
If that were true, we would expect a larger number than this one.
It is easier to work backwards from the end of the story.
None of the other choices can be possible, because they are too small.
Perhaps there is a simple pattern that I have missed so far.
Remember that the order does not matter when we only add.
Each time the amount doubles, the difference between the two also doubles.
What happens when nobody takes more than their own share?
The rate is constant, which means that time and distance grow together.
Without more information we cannot know how long it took.
Maybe I should draw a table with one row for each day of the week.
Now I understand why the first attempt went wrong.
The area of the rectangle is its length times its width.
A fraction of the whole is left, and I need to express it as a percent.
After that, only a few of them are needed to fill the last box.
Someone might think that the order is important, but it is not.
The average is the total divided by how many values there are.
Using the same reasoning as before, we find the value of the unknown.
Let me assume for a moment that the opposite is the case.
Both sides have a common factor, so we can simplify the expression.
On the other hand, a negative value would make no sense in this problem.
This leaves us with a single equation and a single variable.
Given these conditions, the largest possible value is easy to see.
That seems too good to be true, so something must be missing.
""".strip().splitlines()
ENDINGS = """
So the answer is {sum}.
Therefore, the final answer is {product}.
In total, {name} has {sum} {things}.
The answer is \\boxed{{{sum}}}.
Thus we find that exactly {a} {things} remain.
That's it, I'm confident about this result.
""".strip().splitlines()


def thought(draw: random.Random) -> str:
    """A made-up piece of arithmetic reasoning, a dozen sentences in paragraphs."""
    lines = [draw.choice(OPENINGS)]
    lines += [draw.choice(MIDDLES) for _ in range(draw.randrange(5, 15))]
    lines.append(draw.choice(ENDINGS))
    text = ""
    for line in lines:
        a, b = draw.randrange(2, 100), draw.randrange(2, 30)
        facts = {"name": draw.choice(NAMES), "things": draw.choice(THINGS)}
        text += line.format(a=a, b=b, sum=a + b, product=a * b, **facts) + draw.choice([" ", " ", " ", "\n", "\n\n"])
    return text


def train() -> tokenizers.Tokenizer:
    """The shipped tokenizer, from nothing."""
    draw = random.Random(7)
    tok = tokenizers.Tokenizer(models.BPE())
    split = pre_tokenizers.Split(tokenizers.Regex(SPLIT), behavior="isolated")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tok.train_from_iterator((thought(draw) for _ in range(2000)), trainer)
    return tok


def test_the_recipe_makes_the_shipped_tokenizer() -> None:
    assert train().to_str() == tokenizers.Tokenizer.from_file(str(SHIPPED)).to_str()


def test_its_tokens_are_as_long_as_those_of_real_models() -> None:
    tokenizer = Tokenizer.from_file(SHIPPED, ["<|end|>"])
    draw = random.Random(1)
    texts = [thought(draw) for _ in range(200)]
    assert sum(len(t.encode()) for t in texts) / sum(len(tokenizer.encode(t)) for t in texts) >= 3.5
    assert tokenizer.size == SIZE
    assert tokenizer.think is not None


def test_each_digit_is_one_token() -> None:
    tokenizer = Tokenizer.from_file(SHIPPED, ["<|end|>"])
    assert [tokenizer.text_of([i]) for i in tokenizer.encode("1234.5")] == ["1", "2", "3", "4", ".", "5"]


if __name__ == "__main__":
    SHIPPED.write_text(train().to_str() + "\n", encoding="utf-8")
    sys.stdout.write(f"{SHIPPED}\n")
