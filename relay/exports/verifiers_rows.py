"""Rollouts as rows for training: prompt and completion as messages, a reward, as the library `verifiers` has them."""

from collections.abc import Iterator
from typing import Any

from relay.exports.said import told
from relay.store.reader import Run


def rows(run: Run) -> Iterator[dict[str, Any]]:
    """A row a graded rollout; the reward is 1 for a correct answer, else 0.

    The completion is one message, the whole thought and answer; who wrote which part of it stands in `info`, so that a
    trainer may leave out what another model put in.
    """
    keys = {problem.id: number for number, problem in enumerate(run.problems)}
    title = str(run.meta["scenario"].get("title") or run.meta["source"])
    for each in told(run):
        row = each.row
        if not row.outcome:
            continue
        reward = float(row.outcome == "correct")
        segments = [{**part.facts, "text": part.segment.text} for part in each.parts]
        yield {
            "example_id": keys[row.problem],
            "task": title,
            "prompt": [{"role": "user", "content": each.problem.question}],
            "completion": [{"role": "assistant", "content": each.text}],
            "answer": row.answer,
            "reward": reward,
            "metrics": {row.verifier: reward},
            "info": {
                "rollout": row.id, "problem": row.problem, "cell": row.cell, "sample": row.sample, "fork": row.fork,
                "ended": row.state, "outcome": row.outcome, "found": row.found, "segments": segments,
            },
        }  # fmt: skip
