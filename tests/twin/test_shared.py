"""Several models on the problems that they share: filled in waves, selected by all, the same pairs for each."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import Scripted, ScriptedModel
from relay.errors import UserError
from relay.session import Options, start
from relay.store.reader import Run
from relay.twin.beside import beside
from relay.twin.plan import Part, Wish, parts_of
from relay.twin.shared import others, same
from relay.twin.waves import fill, known
from tests.loop.conftest import Recording, Silent
from tests.twin.worlds import TWO, answered, engine, in_pool, number

SETS = {**TWO, "problems": "{from: sums, limit: 48}", "let.cut": "nearest"}
# The even problems are a's, those divisible by three are b's: they share those divisible by six, and of the 16 that
# are neither even nor divisible by three both solve none.
BOTH = {f"sum-{n:04}" for n in range(0, 48, 6)}
NEITHER = {f"sum-{n:04}" for n in range(48) if n % 2 and n % 3}


def solver(name: str, divisor: int) -> Scripted:
    def says(request: Request, read: str) -> str:
        if in_pool(request):
            right = number(request) % divisor == 0
            return answered(request, right, f"{name} begins with {request.purpose.problem.id}. Two. Three. Four. Five.")
        return answered(request, True)

    return engine(says, name)


def guide(request: Request, read: str) -> str:
    return answered(request, True, "The guide begins. Two. Three. Four. Five.")


class Shop:
    """A folder with a pool in which two models are tested."""

    def __init__(self, folder: Path, **solves: int) -> None:
        self.options = Options(pool=folder / "pool.sqlite")
        self.folder, self.watcher = folder, Silent()
        self.engines = {name: Recording(solver(name, divisor)) for name, divisor in solves.items()}
        self.guide = engine(guide, "guide")
        self.wish = Wish(list(solves), ["guide"], sets=SETS)

    def filled(self) -> list[Part]:
        parts = parts_of(self.wish)
        given = dict(self.engines)
        return parts_of(self.wish, asyncio.run(fill(parts, {}, self.options, self.watcher, given)))

    def run(self, part: Part) -> Path:
        path = self.folder / part.file
        engines = {"main": self.engines[part.model], **({"guide": self.guide} if part.guide else {})}
        asyncio.run(start(part.reading, path, self.options, self.watcher, engines))
        return path


def problems(path: Path) -> set[str]:
    with Run(path) as run:
        return {problem.id for problem in run.problems}


def pairs(path: Path) -> dict[tuple[str, str], str]:
    """The problem of the distraction by (problem, cell)."""
    with Run(path) as run:
        found = {}
        for row in run.rollouts():
            steers = [hop for hop in run.hops(row.id) if hop.segment and hop.segment.stop == "steer"]
            for hop in steers:
                found[row.problem, row.cell] = hop.source.rpartition("/")[0]
        return found


def test_all_models_are_tested_on_the_same_problems_with_the_same_pairs(tmp_path: Path) -> None:
    shop = Shop(tmp_path, a=2, b=3)
    recover_a, guide_a, recover_b, guide_b = shop.filled()
    for each in shop.engines.values():
        assert {in_pool(request) for request in each.requests} == {True}, "the wave samples solos and nothing else"
        each.requests.clear()
    one, two = shop.run(recover_a), shop.run(recover_b)
    assert problems(one) == problems(two) == BOTH
    assert pairs(one) == pairs(two)
    assert len(pairs(one)) == 5 * len(BOTH)
    assert len({other for (problem, _), other in pairs(one).items() if problem == "sum-0006"}) == 1, "at every m"
    assert problems(shop.run(guide_a)) == problems(shop.run(guide_b)) == NEITHER
    for each in shop.engines.values():
        assert not any(in_pool(request) for request in each.requests), "the pool was filled before"
    with Run(one) as run:
        (text,) = run.query("SELECT text FROM hop JOIN rollout r ON r.id = rollout WHERE goes IS NOT NULL LIMIT 1")[0]
        models = run.meta["models"]
        solved = dict(run.query("SELECT n.text, sum(solved) FROM solved JOIN name n ON n.id = model GROUP BY 1"))
    assert text is None or "b begins" not in text, "its distractions are its own reasoning"
    assert (models["b"]["engine"], models["b"]["model"]) == ("recorded", "b")
    assert solved == {"main": 24 * 8, "b": 16 * 8}
    assert known([recover_a, guide_a, recover_b, guide_b], tmp_path) == {
        part.key_of(other): dict(_addresses(part))[other]
        for part in (recover_a, guide_a, recover_b, guide_b)
        for other in "ab"
        if other != part.model
    }


def _addresses(part: Part) -> list[tuple[str, str]]:
    models = part.reading.tree["models"].values()
    return [(model["model"], model["address"]) for model in models if model["engine"] == "recorded"]


def test_what_is_known_is_not_sampled_or_loaded_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path, a=2, b=3)
    parts = shop.filled()
    have = {part.key: "f" * 16 for part in parts}
    for each in shop.engines.values():
        each.requests.clear()
    assert asyncio.run(fill(parts, have, shop.options, shop.watcher, {})) == have
    assert all(each.requests == [] for each in shop.engines.values())


def test_only_one_model_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening, there, most = ScriptedModel.open, 0, 0

    async def counted(self: ScriptedModel, *, deterministic: bool = False) -> Any:
        nonlocal there, most
        opened: Any = await opening(self, deterministic=deterministic)
        there, most, closing = there + 1, max(most, there + 1), opened.aclose

        async def closed() -> None:
            nonlocal there
            there -= 1
            await closing()

        opened.aclose = closed
        return opened

    async def wordless(self: ScriptedModel) -> None:
        """A scripted model opens itself to say its words; others need no weights for them."""

    monkeypatch.setattr(ScriptedModel, "open", counted)
    monkeypatch.setattr(ScriptedModel, "words", wordless)
    shop = Shop(tmp_path, a=2, b=3)
    asyncio.run(fill(parts_of(shop.wish), {}, shop.options, shop.watcher, {}))
    assert (there, most) == (0, 1)
    assert [phase for phase in shop.watcher.phases if phase.startswith("loading")] == ["loading main"] * 2


def test_where_nothing_is_shared_the_nearest_are_named_and_no_file_is_left(tmp_path: Path) -> None:
    def odd(request: Request, read: str) -> str:
        return answered(request, number(request) % 2 == 1 and request.purpose.sample < 7, "One. Two.")

    shop = Shop(tmp_path, a=2, b=1)
    shop.engines["b"] = Recording(engine(odd, "odd"))
    part = shop.filled()[0]
    with pytest.raises(UserError) as error:
        shop.run(part)
    assert str(error.value).startswith(
        "select: no problem of 48 was solved 8 of 8 times by main and solved 8 of 8 times by b; "
        "the nearest were sum-0000 (8/8 and 0/8), "
    )
    assert not list(tmp_path.glob("*.relay*"))


def test_solos_that_are_not_in_the_pool_are_told_with_their_address(tmp_path: Path) -> None:
    shop = Shop(tmp_path, a=2, b=3)
    with pytest.raises(UserError) as error:
        shop.run(parts_of(shop.wish)[0])
    assert "models.b.address: the pool holds no solos at 0000000000000000" in str(error.value)
    assert not list(tmp_path.glob("*.relay*"))


def test_a_shared_test_stands_beside_the_paper_s_shared_table(tmp_path: Path) -> None:
    shop = Shop(tmp_path, a=2, b=3)
    shop.wish = shop.wish._replace(opening=True, sets={**SETS, "sweep.over.n": "[0.2]"})
    recover, kept, guided = shop.filled()[:3]
    titles = []
    for part in (recover, kept, guided):
        with Run(shop.run(part)) as run:
            titles.append(beside(run).title)
    assert titles == [
        "recoverability, shared subset, by m, math",
        "recoverability, keeping the opening, shared subset, by m, math",
        "guidability, shared subset, by n, math",
    ]


def test_each_model_s_own_problems_know_nothing_of_the_others() -> None:
    for wish in (Wish(["a", "b"], ["g"], individual=True, sets=SETS), Wish(["a"], ["g"], sets=SETS)):
        for part in parts_of(wish):
            assert not part.shares
            assert {model["engine"] for model in part.reading.tree["models"].values()} == {"scripted"}


def test_a_run_is_known_again_before_and_after_the_others_left_their_solos(tmp_path: Path) -> None:
    shop = Shop(tmp_path, a=2, b=3)
    before, after = parts_of(shop.wish)[0].reading.tree, shop.filled()[0].reading.tree
    assert before != after
    assert same(after, before)
    assert same(after, after)
    other = parts_of(shop.wish._replace(sets={**SETS, "seed": "5"}))[0].reading.tree
    assert not same(after, other)
    changed = {**after, "models": {**after["models"], "b": {**after["models"]["b"], "address": "f" * 16}}}
    assert not same(changed, after)


def test_the_others_bear_their_own_names_in_messages() -> None:
    models = ["relay/tiny", "x/Qwen3-1.7B", "x/Qwen3-1-7B", "main", "7b"]
    assert others("relay/tiny", models) == {
        "x-Qwen3-1-7B": "x/Qwen3-1.7B",
        "x-Qwen3-1-7B-": "x/Qwen3-1-7B",
        "main-": "main",
        "model-7b": "7b",
    }
