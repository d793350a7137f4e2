"""From models and guides to runs: which there are, with what values, and every mistake at once."""

import json

import pytest

from relay.errors import UserError
from relay.twin.plan import Wish, parts_of, slug


def test_each_model_gets_one_recoverability_and_a_guidability_by_guide() -> None:
    parts = parts_of(Wish(["relay/tiny", "some/model"], ["relay/tiny-guide", "other/guide"]))
    assert [(p.test, p.model, p.guide) for p in parts] == [
        (test, model, guide)
        for model in ("relay/tiny", "some/model")
        for test, guide in (
            ("recoverability", ""),
            ("guidability", "relay/tiny-guide"),
            ("guidability", "other/guide"),
        )
    ]
    assert len({part.file for part in parts}) == 6


def test_the_control_comes_first() -> None:
    parts = parts_of(Wish(["a/b", "c/d"], ["g"], control=True))
    assert [part.test for part in parts] == 2 * ["plumbing", "recoverability", "guidability", "ceiling"]
    full = parts_of(Wish(["a/b"], problems="math500", control=True))[0].reading.cells[0].scenario
    assert (full.problems.from_, full.budget.tokens, full.samples) == ("math500", 16384, 8)


def test_a_set_of_problems_brings_the_paper_s_sizes() -> None:
    recover, guide = parts_of(Wish(["a/b"], ["c/d"], problems="math500", engine="transformers"))
    scenario = recover.reading.cells[0].scenario
    assert scenario.problems.from_ == "math500"
    assert scenario.budget.tokens == 16384
    assert scenario.select is not None
    assert scenario.select.limit == 200
    assert recover.reading.tree["graph"]["nodes"]["steer"]["insert"]["among"] == 50
    scenario = guide.reading.cells[0].scenario
    assert scenario.budget.tokens == 16384
    assert scenario.select is not None
    assert scenario.select.limit is None


def test_the_individual_subset_has_all_solve_rates() -> None:
    recover, guide = parts_of(Wish(["a/b"], ["c/d"], problems="math500", individual=True))
    select = recover.reading.cells[0].scenario.select
    assert select is not None
    assert (select.evenly, select.limit, [rule.least for rule in select.problems]) == ("main", 250, [1])
    rule = guide.reading.cells[0].scenario.select
    assert rule is not None
    assert (rule.problems[0].solved, rule.problems[0].at_most) == ("main", "1/8")


def test_without_a_set_the_canned_tests_stay_as_they_are() -> None:
    (part,) = parts_of(Wish(["relay/tiny"]))
    scenario = part.reading.cells[0].scenario
    assert (scenario.problems.from_, scenario.budget.tokens) == ("chains", 400)


def test_further_values_go_where_they_belong() -> None:
    sets = {"models.main.batch": "7", "models.guide.batch": "9", "seed": "3"}
    recover, guide = parts_of(Wish(["a/b"], ["c/d"], sets=sets))
    assert "guide" not in recover.reading.tree["models"]
    assert recover.reading.tree["models"]["main"]["batch"] == 7
    assert guide.reading.tree["models"]["guide"]["batch"] == 9
    assert {part.reading.cells[0].scenario.seed for part in (recover, guide)} == {3}


def test_a_value_that_only_some_tests_can_use_is_theirs() -> None:
    sets = {"select.limit": "5", "sweep.over.m": "[0, 0.4]", "graph.nodes.steer.stitch": "Hm."}
    parts = parts_of(Wish(["a/b"], ["c/d"], control=True, engine="transformers", sets=sets))
    trees = {part.test: part.reading.tree for part in parts}
    assert {test: tree["sweep"]["over"].get("m") for test, tree in trees.items()} == {
        "plumbing": [0, 0.4], "recoverability": [0, 0.4], "guidability": None, "ceiling": None,
    }  # fmt: skip
    assert "select" not in trees["plumbing"]
    assert {tree["select"]["limit"] for test, tree in trees.items() if test != "plumbing"} == {5}


def test_a_judge_is_a_model_of_every_run() -> None:
    judge = {"models.j": "{engine: transformers, model: e/f}", "verify": "{first: math, then: {judge: j, when: wrong}}"}
    parts = parts_of(Wish(["a/b"], ["c/d"], control=True, engine="transformers", sets=judge))
    assert {part.reading.tree["models"]["j"]["model"] for part in parts} == {"e/f"}
    assert len(parts) == 4


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(["a/b"], sets={"models.guide.dtype": "float16"}), "no run has a guide (say --guide MODEL"),
        (Wish(["a/b"], sets={"models.distractor.batch": "1"}), "no run has a distractor (say --distractor MODEL"),
        (Wish(["a/b"], ["c/d"], sets={"models.guid.dtype": "float16"}), "--set models.guid.dtype: models.guid"),
        (Wish(["a/b"], ["c/d"], sets={"sweep.over.k": "[1]"}), 'nothing uses "{k}"'),
        (Wish([""]), "MODEL: has no name"),
        (Wish(["a/b"], [" "]), "--guide: has no name"),
    ],
)
def test_a_value_or_a_name_that_would_be_lost_is_a_mistake(wish: Wish, told: str) -> None:
    with pytest.raises(UserError) as error:
        parts_of(wish)
    assert told in "\n".join(map(str, error.value.mistakes))


def test_all_mistakes_are_told_at_once_and_once() -> None:
    with pytest.raises(UserError) as error:
        parts_of(Wish(["a/b", "a/b", "a--b"], ["g", "g"], problems="maht500", engine="transformer"))
    told = "\n".join(map(str, error.value.mistakes))
    assert "MODEL a/b: is named twice" in told
    assert "MODEL a--b: would share its files with a/b" in told
    assert "--guide g: is named twice" in told
    assert told.count("there is no problem set 'maht500'") == 1
    assert told.count("'transformer'") >= 1
    assert "transformers" in told


def test_a_model_s_name_is_yaml_s_own_and_no_path() -> None:
    name = 'weird: {name}, "quoted"'
    (part,) = parts_of(Wish([name]))
    assert part.reading.tree["models"]["main"]["model"] == name
    assert "/" not in part.file
    assert json.dumps(part.file)
    assert slug("../../etc/passwd") == "etc--passwd"
    assert slug("/") == "model"
