"""Short word problems: "A shop has 41 apples. 7 more arrive. ..." The difficulty is the number of steps, 1 to 4."""

from random import Random

from relay.families.tasks import HIGHEST, Step, Task, changed

PLACES = ("shop", "farm", "school", "market", "library")
THINGS = ("apples", "books", "eggs", "pens", "cups")
MORE = ("{} more arrive.", "{} more are bought.", "{} more are found.")
FEWER = ("{} are sold.", "{} are lost.", "{} are given away.")


def story(draw: Random, difficulty: int) -> Task:
    """A story of so many events."""
    place, things = draw.choice(PLACES), draw.choice(THINGS)
    sentence, count, steps = _begun(draw, place, things)
    sentences = [sentence]
    while len(steps) < difficulty:
        sign, other = changed(draw, count)
        sentences.append(draw.choice(MORE if sign == "+" else FEWER).format(other))
        after = count + other if sign == "+" else count - other
        steps.append(Step(count, sign, other, after))
        count = after
    text = " ".join(sentences)
    goal = f"how many {things} there are now"
    return Task("story", difficulty, text, f"{text} How many {things} are there now?", goal, count, tuple(steps))


def _begun(draw: Random, place: str, things: str) -> tuple[str, int, list[Step]]:
    """How a story begins: with a number of things, or with boxes of them, which is a step already."""
    if draw.random() < 0.7:
        count = draw.randint(5, HIGHEST)
        return f"A {place} has {count} {things}.", count, []
    boxes, each = draw.randint(2, 9), draw.randint(2, 11)
    sentence = f"A {place} has {boxes} boxes with {each} {things} each."
    return sentence, boxes * each, [Step(boxes, "*", each, boxes * each)]
