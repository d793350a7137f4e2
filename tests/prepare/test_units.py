"""Units: the same original meets the same steer in every cell; distractors are dealt out evenly."""

from collections import Counter

from relay.language.scenario import Need
from relay.prepare.units import deal, distractors
from relay.problems import Problem

PROBLEMS = [Problem(f"p{i}", f"q{i}", str(i % 7)) for i in range(30)]
OUTCOMES = {p.id: dict(enumerate(["correct", "wrong", "correct", "undecided"])) for p in PROBLEMS}
STEER = Need("steer", "main", "another problem", "any", 10)
OPEN = Need("main", "main", "this problem", "correct")


def pairs(samples: int = 1, problems: list[Problem] = PROBLEMS) -> list[tuple[Problem, int]]:
    return [(p, k) for k in range(samples) for p in problems]


def test_every_unit_gets_a_steer_from_another_problem_with_another_answer() -> None:
    given = dict(deal(STEER, pairs(), PROBLEMS, OUTCOMES, 7))
    assert len(given) == 30
    for problem, _ in pairs():
        steer = given[problem.id, 0].problem
        assert steer.id != problem.id
        assert steer.answer != problem.answer


def test_a_distractor_s_answer_is_another_number_and_not_another_spelling() -> None:
    spellings = ["1/2", r"\frac{1}{2}", "0.5", "that is 3/6\n#### 1/2", "so 0.5\n#### 0.5"]
    problems = [Problem(f"p{i}", f"q{i}", answer) for i, answer in enumerate([*spellings, "3", "3.0", "7"])]
    outcomes = {p.id: {0: "correct"} for p in problems}
    value = dict.fromkeys(("p0", "p1", "p2", "p3", "p4"), "half") | {"p5": "three", "p6": "three", "p7": "seven"}
    given = dict(deal(STEER, pairs(4, problems), problems, outcomes, 7))
    assert len(given) == 4 * len(problems)
    assert all(value[given[p, k].problem.id] != value[p] for p, k in given)
    assert not dict(deal(STEER, pairs(1, problems[:5]), problems[:5], outcomes, 7)), "better none than the answer"


def test_any_other_problem_may_have_the_same_answer() -> None:
    given = dict(deal(STEER._replace(of="any other problem"), pairs(), PROBLEMS, OUTCOMES, 7))
    assert len(given) == 30
    assert all(given[problem.id, 0].problem.id != problem.id for problem, _ in pairs())
    assert any(given[problem.id, 0].problem.answer == problem.answer for problem, _ in pairs())


def test_steers_are_dealt_out_evenly() -> None:
    uses = Counter(g.problem.id for g in dict(deal(STEER, pairs(4), PROBLEMS, OUTCOMES, 7)).values())
    assert len(uses) == 10
    assert max(uses.values()) - min(uses.values()) <= 1


def test_the_draw_repeats_itself_and_follows_the_seed() -> None:
    assert dict(deal(STEER, pairs(), PROBLEMS, OUTCOMES, 7)) == dict(deal(STEER, pairs(), PROBLEMS, OUTCOMES, 7))
    assert dict(deal(STEER, pairs(), PROBLEMS, OUTCOMES, 7)) != dict(deal(STEER, pairs(), PROBLEMS, OUTCOMES, 8))


def test_originals_are_correct_samples_of_the_problem_itself() -> None:
    given = dict(deal(OPEN, pairs(3), PROBLEMS, OUTCOMES, 7))
    assert all(g.problem.id == problem for (problem, _), g in given.items())
    assert {g.sample for g in given.values()} == {0, 2}
    for p in PROBLEMS:
        assert given[p.id, 0] != given[p.id, 1], (
            "continuations of one problem begin with different originals while there are any"
        )


def test_a_unit_that_does_not_exist_is_left_out() -> None:
    outcomes = {**OUTCOMES, "p3": dict.fromkeys(range(4), "wrong")}
    given = dict(deal(OPEN, pairs(), PROBLEMS, outcomes, 7))
    assert ("p3", 0) not in given
    assert len(given) == 29


def test_fewer_distractors_than_asked_are_all_used() -> None:
    need = Need("steer", "main", "another problem", "any", 100)
    assert len(distractors(need, PROBLEMS, OUTCOMES, 7)) == 30


def test_a_sample_that_failed_shifts_no_other() -> None:
    outcomes = {p.id: {0: "wrong", 2: "correct"} for p in PROBLEMS}
    assert {g.sample for g in dict(deal(OPEN, pairs(2), PROBLEMS, outcomes, 7)).values()} == {2}
