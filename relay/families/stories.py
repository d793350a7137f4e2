"""Short word problems: "A shop has 41 apples. 7 more arrive. ..." The difficulty is the number of steps, 1 to 4."""

from random import Random

from relay.families.tasks import HIGHEST, Step, Task

PLACES = ("shop", "farm", "school", "market", "library")
THINGS = ("apples", "books", "eggs", "pens", "cups")
MORE = ("{} more arrive.", "{} more are bought.", "{} more are found.")
FEWER = ("{} are sold.", "{} are lost.", "{} are given away.")


def story(draw: Random, difficulty: int) -> Task:
    """A story of so many events."""
    while True:
        place, things = draw.choice(PLACES), draw.choice(THINGS)
        sentences, steps = _begun(draw, place, things)
        count = steps[-1].result if steps else int(sentences[0].split()[3])
        while len(steps) < difficulty:
            sign, other = draw.choice("+-"), draw.randint(2, 60)
            after = count + other if sign == "+" else count - other
            sentences.append(draw.choice(MORE if sign == "+" else FEWER).format(other))
            steps.append(Step(count, sign, other, after))
            count = after
        if all(0 <= step.result <= HIGHEST for step in steps):
            text = " ".join(sentences)
            asked = f"How many {things} are there now?"
            goal = f"how many {things} there are now"
            return Task("story", difficulty, text, f"{text} {asked}", goal, count, tuple(steps))


def _begun(draw: Random, place: str, things: str) -> tuple[list[str], list[Step]]:
    """How a story begins: with a number of things, or with boxes of them, which is a step already."""
    if draw.random() < 0.7:
        return [f"A {place} has {draw.randint(5, 99)} {things}."], []
    boxes, each = draw.randint(2, 9), draw.randint(2, 12)
    sentence = f"A {place} has {boxes} boxes with {each} {things} each."
    return [sentence], [Step(boxes, "*", each, boxes * each)]
