"""A run as one log of Inspect (inspect_ai), JSON, version 2 of its schema: a sample a rollout, a message a segment."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any

from relay.exports.said import Part, Told, told
from relay.measure.score_rows import by_all
from relay.store.reader import Run
from relay.walk import StopReason

VERSION = 2
VALUES = {"correct": "C", "wrong": "I", "undecided": "N"}  # as Inspect's scorers say them
LIMITS = {
    StopReason.TOKENS: "token",
    StopReason.SECONDS: "time",
    StopReason.HOPS: "turn",
    StopReason.CONTEXT: "context",
}
ASKED = {StopReason.TOKENS: "tokens", StopReason.SECONDS: "seconds", StopReason.HOPS: "hops"}  # keys of `budget:`
USED = """
SELECT model.text, sum(coalesce(computed, 0) + coalesce(cached, 0)), sum(coalesce(cached, 0)),
       sum(coalesce(decoded, 0) + coalesce(thrown, 0))
FROM step JOIN name model ON model.id = step.model GROUP BY 1 ORDER BY 1
"""


def write(run: Run, file: IO[str]) -> int:
    """Write it, sample by sample; how many there were."""
    head = json.dumps(_head(run))
    file.write(f'{head[:-1]}, "samples": [\n')
    number = 0
    budget = run.meta["scenario"].get("budget") or {}
    several = len(run.cells) > 1
    for each in told(run):
        file.write((",\n" if number else "") + json.dumps(_sample(each, budget, several)))
        number += 1
    file.write("\n]}\n")
    return number


def _head(run: Run) -> dict[str, Any]:
    meta = run.meta
    title = str(meta["scenario"].get("title") or meta["source"])
    models = {name: facts.get("model") or facts["engine"] for name, facts in meta.get("models", {}).items()}
    found = meta.get("problem_set", {})
    return {
        "version": VERSION,
        "status": "success" if meta["phase"] == "done" else "started",
        "eval": {
            "eval_id": _id(meta, "eval"), "run_id": _id(meta, "run"), "task_id": _id(meta, "task"),
            "created": _time(meta.get("made")), "task": title, "task_version": str(meta["relay"]),
            "model": "+".join(dict.fromkeys(models.values())) or "none",
            "dataset": {"name": str(found.get("from") or ""), "samples": len(run.problems), "shuffled": False},
            "config": {"epochs": meta.get("samples", 1)}, "packages": {"relay-cot": str(meta["relay"])},
            "metadata": {"scenario": meta["scenario"], "models": meta.get("models", {}), "problem_set": found},
        },
        "plan": {"name": "relay", "steps": []},
        "results": _results(run),
        "stats": {
            "started_at": _time(meta.get("made")), "completed_at": _time(meta.get("ended")),
            "model_usage": {model: _usage(*counts) for model, *counts in run.query(USED)},
        },
    }  # fmt: skip


def _results(run: Run) -> dict[str, Any]:
    """A metric for each cell: cells are never put together."""
    total, ended = run.query("SELECT count(*), count(stop) FROM rollout")[0]
    by: dict[str, dict[str, Any]] = {}
    for score in by_all(run):
        if score.score is not None:
            name = "accuracy" if len(run.cells) == 1 else f"accuracy {score.cell}"
            about = {"graded": score.graded, "interval": score.interval and score.interval._asdict()}
            metric = {"name": name, "value": score.score, "metadata": about}
            by.setdefault(score.verifier, {})[name] = metric
    scores = [{"name": verifier, "scorer": verifier, "metrics": metrics} for verifier, metrics in by.items()]
    return {"total_samples": total, "completed_samples": ended, "scores": scores}


def _sample(each: Told, budget: Mapping[str, Any], several: bool) -> dict[str, Any]:
    row, parts = each.row, each.parts
    messages = [_message(part) for part in parts]
    state = row.state
    found: dict[str, Any] = {
        "id": f"{row.problem} [{row.cell}]" if several else row.problem,
        "epoch": row.sample + 1,
        "input": each.problem.question,
        "target": row.answer,
        "messages": [{"role": "user", "content": each.problem.question, "source": "input"}, *messages],
        "output": {
            "model": parts[-1].segment.model if parts else "",
            "choices": [{"message": messages[-1], "stop_reason": _why(state)}] if messages else [],
            "completion": "".join(part.answer for part in parts),
        },
        "scores": {row.verifier: _score(each)} if row.verifier else {},
        "metadata": {"rollout": row.id, "cell": row.cell, "problem": row.problem, "ended": state}
        | ({} if row.fork is None else {"fork": row.fork}),
    }
    if state in LIMITS:
        limit = float(budget.get(ASKED.get(StopReason(state), ""), 0))
        found["limit"] = {"type": LIMITS[StopReason(state)], "limit": limit, "reason": state}
    if state in (StopReason.FAILED, StopReason.MISSING):
        found["error"] = {"message": f"{state}: {row.why}", "traceback": "", "traceback_ansi": ""}
    return found


def _score(each: Told) -> dict[str, Any]:
    row = each.row
    return {"value": VALUES[row.outcome], "answer": row.found, "explanation": row.why}


def _message(part: Part) -> dict[str, Any]:
    content = [
        *([{"type": "reasoning", "reasoning": part.thought}] if part.thought else []),
        *([{"type": "text", "text": part.answer}] if part.answer else []),
    ]
    return {"role": "assistant", "content": content, "model": part.segment.model, "metadata": part.facts}


def _why(state: str) -> str:
    if state == StopReason.TOKENS:
        return "max_tokens"
    return "model_length" if state == StopReason.CONTEXT else "stop" if state == StopReason.END else "unknown"


def _usage(prompt: int, cached: int, decoded: int) -> dict[str, int]:
    return {
        "input_tokens": prompt - cached, "input_tokens_cache_read": cached, "output_tokens": decoded,
        "total_tokens": prompt + decoded,
    }  # fmt: skip


def _time(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _id(meta: Mapping[str, Any], what: str) -> str:
    """The same for every export of one run."""
    return sha256(json.dumps([what, meta.get("made"), meta["scenario"]]).encode()).hexdigest()[:22]
