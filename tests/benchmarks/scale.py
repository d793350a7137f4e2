"""What a large run costs: memory, bytes in the run file, resume, reading it afterwards.

Everything is measured in fresh processes; laws are ratios within one run of this program:

    memory   a run of 100,000 rollouts beside one of 10,000: resident, at its peak and at its end (at most 1.10)
    bytes    the closed run file over 9 bytes a token and 90 a hop, for rollouts of several shapes (at most 1)
    resume   a killed run of 250 open rollouts beside 100,000 finished ones, and beside 1,000 (at most 3)
    reading  `relay report` and `relay show` on the run of 100,000 (seconds and MB; no law)

    python tests/benchmarks/scale.py [--rollouts 100000] [--only memory ...] [--repeats 5] [--json]
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from bounds import check

if TYPE_CHECKING:
    from relay.language.reading import Reading
    from relay.walk import Hop

PROBLEMS, OPEN, TOKENS = 50, 250, 2_000_000
MEMORY, BYTES, RESUME = 1.10, 1.0, 3.0  # what is allowed
Tree = dict[str, Any]


# -- the runs, without YAML


def plain(folder: Path, rollouts: int, problems: int = PROBLEMS) -> Tree:
    """Rollouts of two or four hops by two models; they end at `note` or go straight on."""
    short, long = "We take {question} It comes to {answer}. ", "First we look at the sum. "
    says = {"*": [short], **{f"p{i}": [long, "Then {answer} = {answer}. "] for i in range(0, problems, 2)}}
    after = [
        {"when": {"visits": "think", "equals": 2}, "to": "answer"},
        {"when": {"contains": "We take"}, "to": "answer"},
        "note",
    ]
    return {
        "relay": 1,
        "models": {
            "a": {"engine": "scripted", "says": says},
            "b": {"engine": "scripted", "says": ["</think> The answer is {answer}."]},
        },
        "problems": {"from": str(_problems(folder, problems))},
        "samples": -(-rollouts // problems),
        "graph": {
            "start": "think",
            "answer": "answer",
            "nodes": {
                "think": {"write": "a", "until": {"sentences": 1}},
                "note": {"insert": {"text": "\nWait. "}},
                "answer": {"write": "b"},
            },
            "edges": {"think": after, "note": "think", "answer": "end"},
        },
    }


def pooled(folder: Path, rollouts: int, problems: int = PROBLEMS) -> Tree:
    """Rollouts of three hops that begin with a solo of the pool and have another put into them, in five cells."""
    think = "We take {question} First we look at it. It is as it is, and so {answer} = {answer}. "
    main = {"write": "main", "opens_with": {"pool": "main", "where": "correct", "take": "{m}"}, "until": ["answered"]}
    steer = {"insert": {"pool": "main", "of": "another problem", "among": 24}, "take": 0.2, "stitch": "\nWait. "}
    return {
        "relay": 1,
        "models": {
            "main": {"engine": "scripted", "says": [think * 4 + "</think> The answer is {answer}."]},
        },
        "problems": {"from": str(_problems(folder, problems))},
        "samples": -(-rollouts // problems // 5),
        "pool": {"samples": 8},
        "graph": {
            "start": "main",
            "answer": "main",
            "nodes": {"main": main, "steer": steer},
            "edges": {"main": [{"when": {"visits": "main", "equals": 1}, "to": "steer"}, "end"], "steer": "main"},
        },
        "sweep": {"over": {"m": [0.1, 0.2, 0.4, 0.6, 0.8]}},
    }


TREES: dict[str, Callable[..., Tree]] = {"plain": plain, "pooled": pooled}


def _problems(folder: Path, number: int) -> Path:
    path = folder / f"problems-{number}.jsonl"
    rows = ({"id": f"p{i}", "question": f"Find {i} + 1.", "answer": str(i + 1)} for i in range(number))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Silent:
    """A watcher that does not watch."""

    def phase(self, name: str, tally: object) -> None: ...
    def note(self, text: str) -> None: ...


def read(tree: Tree) -> "Reading":
    """The tree as a scenario."""
    from relay.language.reading import from_tree

    return from_tree(tree)


# -- memory


def resident() -> dict[str, float]:
    """MB of this process in memory, at its peak and now."""
    try:
        said = Path("/proc/self/status").read_text()
        return {k: int(re.search(rf"{w}:\s+(\d+)", said)[1]) / 1024 for k, w in (("peak", "VmHWM"), ("end", "VmRSS"))}  # type: ignore[index]
    except FileNotFoundError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        return {"peak": peak, "end": peak}


def child_memory(kind: str, rollouts: str, folder: str) -> dict[str, float]:
    """Walk so many rollouts; what the process holds."""
    from relay.session import Options, start

    path = Path(folder) / f"{kind}-{rollouts}.relay"
    began = time.perf_counter()
    outcome = asyncio.run(
        start(read(TREES[kind](Path(folder), int(rollouts))), path, Options(pool=path.with_suffix(".pool")), Silent())
    )
    seconds = time.perf_counter() - began
    assert (outcome.failed, outcome.total) == (0, int(rollouts)), outcome
    return {**resident(), "seconds": seconds}


def measure_memory(folder: Path, most: int) -> Iterator[tuple[str, float]]:
    """The large run's memory over the small one's."""
    for kind in TREES:
        small, large = (in_child("memory", kind, n, folder) for n in (most // 10, most))
        for when in ("peak", "end"):
            yield f"memory, {kind}: MB at its {when}, {most // 10:,} rollouts", small[when]
            yield f"memory, {kind}: MB at its {when}, {most:,} rollouts", large[when]
            yield f"memory, {kind}: {when}, large over small (at most {MEMORY})", large[when] / small[when]
        yield f"memory, {kind}: seconds of {most:,} rollouts", large["seconds"]


# -- bytes


SHAPES: dict[str, Callable[[Random], Iterable[int]]] = {
    "64 tokens in 6 hops": lambda _: [11, 11, 11, 11, 10, 10],
    "60 hops of 32": lambda _: [32] * 60,
    "20 hops of 100 to 300": lambda draw: (draw.randint(100, 300) for _ in range(20)),
    "1 hop of 1,200": lambda _: [1200],
    "1 hop of 2,000": lambda _: [2000],
    "1 hop of 500 to 1,500": lambda draw: [draw.randint(500, 1500)],
    "1 hop of 1,000 to 8,000": lambda draw: [draw.randint(1000, 8000)],
}


def child_bytes(shape: str, folder: str) -> dict[str, float]:
    """Some 2,000,000 tokens in rollouts of this shape, by the writer and in the order of a run."""
    from relay.store.gathered import Begun, Graded
    from relay.store.reader import Run
    from relay.store.writer import RunWriter
    from relay.trajectory import Segment, Usage
    from relay.walk import Hop, StopReason

    draw = Random(7)
    tokenizer, words = _tokenizer()
    path = Path(folder) / f"bytes-{abs(hash(shape))}.relay"
    writer = RunWriter.create(path)
    with writer.at_once():
        writer.put("cell", [(0, "all", "{}")])
        writer.put("problem", [(0, "p", "math", "q", "4", "h", None)])
        writer.put_meta(scenario={"graph": {"start": "a"}}, phase="walking", samples=1)
    began, written = 0, 0
    flying: list[tuple[int, int, Iterator[int]]] = []
    while written < TOKENS or flying:
        if written < TOKENS and len(flying) < 256:  # as in a run: hops of many rollouts take turns
            writer.begin(Begun(began, 0, began, 0))
            flying.append((began, 0, iter(SHAPES[shape](draw))))
            began += 1
            continue
        which = draw.randrange(len(flying))
        rollout, n, more = flying[which]
        tokens = next(more, 0)
        if not tokens:
            writer.end(rollout, StopReason.END, "", Graded("math", "correct", "1234", "", 0.001))
            flying[which] = flying[-1]
            del flying[-1]
            continue
        at = draw.randrange(len(words) - tokens)
        ids = tuple(words[at : at + tokens])
        text = tokenizer.bytes_of(ids).decode("utf-8", "replace")
        usage = Usage(draw.randint(0, 9000), draw.randint(0, 9000), tokens, draw.randint(0, 3), draw.random() * 60)
        node = ("think", "answer")[n % 2]
        segment = Segment(node, "large", text, ids, tokenizer.fingerprint, "sentences")
        writer.hop(rollout, Hop("0", n, node, n // 2 + 1, "answer", segment, usage, recoded=draw.randint(0, 500)))
        flying[which] = (rollout, n + 1, more)
        written += tokens
        if writer.waiting > 3000:
            writer.flush()
    writer.close(finished=True)
    with Run(path) as run:
        hops, tokens, letters = run.query(
            "SELECT count(*), sum(length(ids)) / 4, sum(length(CAST(text AS BLOB))) FROM hop"
        )[0]
    size = path.stat().st_size
    path.unlink()
    return {"size": size, "tokens": tokens, "hops": hops, "letters": letters}


def _tokenizer() -> tuple[Any, list[int]]:
    """This repository's prose, and a tokenizer that spells it in some 3.7 letters a token, as real ones do."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    from relay.seam.tokens import Tokenizer

    root = Path(__file__).parents[2]
    pages = sorted([*root.glob("*.md"), *(root / "docs").glob("*.md"), *(root / "relay").glob("*.py")])
    text = "\n".join(p.read_text().encode("ascii", "ignore").decode() for p in pages)
    rust = tokenizers.Tokenizer(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4000,
        show_progress=False,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    rust.train_from_iterator([text], trainer)
    tokenizer = Tokenizer.from_rust(rust, ["<|end|>"])
    ids = tokenizer.encode(text)
    return tokenizer, ids * (1 + 40_000 // len(ids))


def measure_bytes(folder: Path) -> Iterator[tuple[str, float]]:
    """The file's size beside what is allowed, and what that is a token and a hop."""
    found = {shape: in_child("bytes", shape, folder) for shape in SHAPES}
    laws = {shape: f["size"] / (9 * f["tokens"] + 90 * f["hops"]) for shape, f in found.items()}
    for shape, f in found.items():
        yield f"bytes, {shape}: a token, hops included", f["size"] / f["tokens"]
        yield f"bytes, {shape}: a hop beside its text and ids", (f["size"] - f["letters"] - 4 * f["tokens"]) / f["hops"]
        yield f"bytes, {shape}: over 9 a token and 90 a hop (at most {BYTES:g})", laws[shape]
    yield f"bytes, the worst shape: over 9 a token and 90 a hop (at most {BYTES:g})", max(laws.values())
    token, hop = _fit([(f["tokens"] / f["size"], f["hops"] / f["size"]) for f in found.values()])
    yield "bytes, fitted to all shapes: a token (at most 9)", token
    yield "bytes, fitted to all shapes: a hop (at most 90)", hop
    yield "bytes of text a token", sum(f["letters"] for f in found.values()) / sum(f["tokens"] for f in found.values())


def _fit(rows: list[tuple[float, float]]) -> tuple[float, float]:
    """The a and b for which a * x + b * y comes nearest to 1 in all rows."""
    xx, xy, yy = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    x, y = (sum(r[i] for r in rows) for i in (0, 1))
    return (x * yy - y * xy) / (xx * yy - xy * xy), (y * xx - x * xy) / (xx * yy - xy * xy)


# -- resume


def child_killed(kind: str, finished: str, problems: str, path: str) -> dict[str, float]:
    """A run with so many rollouts finished and 250 open, killed: hops of real rollouts, written again and again."""
    asyncio.run(_killed(kind, int(finished), int(problems), Path(path)))
    os._exit(9)


async def _killed(kind: str, finished: int, problems: int, path: Path) -> None:
    from relay.batch import Batch, Tally
    from relay.events import RolloutEnded
    from relay.grading import grader
    from relay.language.verifying import Given
    from relay.node import Ticks
    from relay.pool import Pool
    from relay.prepare.jobs import Jobs
    from relay.prepare.run import Tools, prepare
    from relay.recorder import RunRecorder
    from relay.store.writer import RunWriter

    reading = read(TREES[kind](path.parent, finished + OPEN, problems))
    scenario = reading.cells[0].scenario
    engines = {name: await model.open() for name, model in scenario.models.items()}
    writer = RunWriter.create(path)
    with writer.at_once():
        writer.put_meta(scenario=reading.tree, source="", phase="preparing", relay="0", made=time.time())
    pool = Pool(path.with_suffix(".pool")) if scenario.pool else None
    async with grader(scenario.verify, Given({})) as grade:
        plan = await prepare(writer, reading, Tools(engines, pool, grade, Silent(), 256, []))
        assert plan.total == finished + OPEN, plan.total
        jobs, walked, ends = Jobs(plan), {}, {}
        recorder = RunRecorder(writer)

        class Copied(RunRecorder):
            """Keeps the hops and the end of one rollout of each problem and cell."""

            def hop(self, job: Any, hop: "Hop") -> None:
                walked.setdefault((job.stage.problem.id, job.cell), []).append(hop)

            def end(self, job: Any, ended: RolloutEnded, graded: Any) -> None:
                ends[job.stage.problem.id, job.cell] = (ended, graded)

        first = (jobs.job(plan.begun(n)) for n in range(min(plan.total, problems * len(plan.cells))))
        await Batch(Copied(writer), grade, Tally(), Ticks()).run(first, in_flight=64)
    for number in range(plan.total):
        begun = plan.begun(number)
        writer.begin(begun)
        job = jobs.job(begun)
        hops = walked[job.stage.problem.id, job.cell]
        for hop in hops if number < finished else hops[:1]:
            recorder.hop(job, hop)
        if number < finished:
            recorder.end(job, *ends[job.stage.problem.id, job.cell])
        if writer.waiting > 3000 or number == plan.total - 1:
            writer.flush()


def child_resume(small: str, path: str) -> dict[str, float]:
    """The seconds of each step of a resume; imports and what happens once a process are left out."""
    asyncio.run(_resumed(Path(small)))
    return asyncio.run(_resumed(Path(path)))


async def _resumed(path: Path) -> dict[str, float]:
    from itertools import chain

    from relay.batch import Batch, Tally
    from relay.grading import grader
    from relay.language.reading import from_tree
    from relay.language.verifying import Given
    from relay.node import Ticks
    from relay.prepare.filed import read_back
    from relay.prepare.jobs import Jobs
    from relay.recorder import RunRecorder
    from relay.store.writer import RunWriter

    engines = await _engines(path)
    laps = [time.perf_counter()]
    writer = RunWriter.resume(path)
    laps.append(time.perf_counter())
    reading = from_tree(writer.meta("scenario"), writer.meta("source"))
    laps.append(time.perf_counter())
    plan = read_back(writer, reading, engines)
    laps.append(time.perf_counter())
    begun, first = list(writer.open_rollouts()), writer.rollouts_begun()
    laps.append(time.perf_counter())
    ticks = Ticks()
    jobs, recorder, tally = Jobs(plan, ticks), RunRecorder(writer), Tally()
    coming = chain(
        (jobs.job(b, hops) for b, hops in begun), recorder.beginning(jobs, map(plan.begun, range(first, plan.total)))
    )
    async with grader(reading.cells[0].scenario.verify, Given({})) as grade:
        await Batch(recorder, grade, tally, ticks).run(coming, in_flight=256)
    laps.append(time.perf_counter())
    writer.close(finished=True)
    laps.append(time.perf_counter())
    assert len(begun) == tally.done and tally.failed == 0, tally  # noqa: PT018  one fact
    names = ("open", "scenario", "plan", "hops", "walk", "close")
    steps = {name: b - a for name, a, b in zip(names, laps[:-1], laps[1:], strict=True)}
    return {**steps, "all": laps[-1] - laps[0]}


async def _engines(path: Path) -> dict[str, Any]:
    from relay.store.reader import Run

    with Run(path) as run:
        reading = read(run.meta["scenario"])
    return {name: await model.open() for name, model in reading.cells[0].scenario.models.items()}


def child_session(small: str, path: str) -> dict[str, float]:
    """The seconds of `relay.session.resume`."""
    from relay.session import Options, resume

    async def seconds(run: Path) -> float:
        engines = await _engines(run)
        began = time.perf_counter()
        await resume(run, Options(), Silent(), engines)
        return time.perf_counter() - began

    asyncio.run(seconds(Path(small)))
    return {"all": asyncio.run(seconds(Path(path)))}


def measure_resume(folder: Path, most: int, repeats: int) -> Iterator[tuple[str, float]]:
    """Killed runs, resumed in turn; medians."""
    few = most // 100
    for kind, problems in (("plain", PROBLEMS), ("pooled", PROBLEMS), ("plain", (most + OPEN) // 10)):
        title = f"resume, {kind}, {problems:,} problems" if problems != PROBLEMS else f"resume, {kind}"
        runs = {n: folder / f"killed-{kind}-{problems}-{n}.relay" for n in (0, few, most)}
        for n, path in runs.items():
            in_child("killed", kind, n, PROBLEMS if n < most else problems, path, code=9)
        found: dict[str, dict[int, list[float]]] = {}
        for turn in range(2 * repeats):
            for n in (few, most):
                for step, seconds in in_copies("session" if turn % 2 else "resume", runs[0], runs[n]).items():
                    key = "relay.session.resume" if turn % 2 else step
                    found.setdefault(key, {}).setdefault(n, []).append(seconds)
        for step in ("all", "relay.session.resume"):
            by_size = found.pop(step)
            yield f"{title}: seconds beside {most:,}, {step}", median(by_size[most])
            yield (
                f"{title}: {most:,} over {few:,}, {step} (at most {RESUME:g})",
                median(by_size[most]) / median(by_size[few]),
            )
        for step, by_size in found.items():
            yield f"{title}: ms beside {few:,}, {step}", 1000 * median(by_size[few])
            yield f"{title}: ms beside {most:,}, {step}", 1000 * median(by_size[most])
        for path in runs.values():
            remove(path)


def in_copies(name: str, *runs: Path) -> dict[str, float]:
    """Run a child on copies of these run files, as they were left by the kill."""
    with tempfile.TemporaryDirectory(dir=runs[0].parent) as place:
        for run in runs:
            for suffix in ("", "-wal"):
                if (path := run.with_name(run.name + suffix)).exists():
                    with open(shutil.copy(path, place), "rb") as copy:
                        os.fsync(copy.fileno())  # else a resume's first sync writes all of the copy
        return in_child(name, *(Path(place) / run.name for run in runs))


def remove(path: Path) -> None:
    """A run file and what lies beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


# -- reading


def measure_reading(folder: Path, most: int, repeats: int) -> Iterator[tuple[str, float]]:
    """The commands on a finished run, started as a user does."""
    for kind in TREES:
        path = folder / f"{kind}-{most}.relay"
        if not path.exists():
            in_child("memory", kind, most, folder)
        yield f"reading, {kind}: MB of the run file", path.stat().st_size / 1e6
        for name, args in (("report", ["report", path]), ("show", ["show", path]), ("--help", ["report", "--help"])):
            seconds, peaks = zip(*(command(*map(str, args)) for _ in range(repeats)), strict=True)
            yield f"reading, {kind}: seconds of relay {name}", median(seconds)
            yield f"reading, {kind}: MB of relay {name}", median(peaks)


def command(*args: str) -> tuple[float, float]:
    """A relay command's seconds and MB."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", "from relay.cli import main; main()", *args], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, args
    return time.perf_counter() - began, used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


# -- all of it

CHILDREN: dict[str, Callable[..., dict[str, float]]] = {
    "memory": child_memory, "bytes": child_bytes, "killed": child_killed, "resume": child_resume,
    "session": child_session,
}  # fmt: skip


def in_child(name: str, *args: object, code: int = 0) -> dict[str, float]:
    """What a part of this program finds in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, *map(str, args)], stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == code, (name, args, done.returncode)
    return json.loads(done.stdout) if done.stdout else {}


def measured(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, float]]:
    """Every figure, as it is found."""
    most = options.rollouts
    if "memory" in options.only:
        yield from measure_memory(folder, most)
    if "bytes" in options.only:
        yield from measure_bytes(folder)
    if "resume" in options.only:
        yield from measure_resume(folder, most, options.repeats)
    if "reading" in options.only:
        yield from measure_reading(folder, most, options.repeats)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--child"]:
        name, *args = sys.argv[2:]
        print(json.dumps(CHILDREN[name](*args)))
        return
    parts = ["memory", "bytes", "resume", "reading"]
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rollouts", type=int, default=100_000, help="of the large run; a multiple of 1,000")
    asked.add_argument("--only", nargs="+", choices=parts, default=parts)
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, value in measured(options, Path(folder)):
            figures[name] = value
            if not options.json:
                print(f"{value:12.3f}  {name}", flush=True)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
    sys.exit(check(figures))


if __name__ == "__main__":
    main()
