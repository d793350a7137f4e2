"""What is asked of a run's models before they are loaded."""

from pathlib import Path

import pytest

from relay.errors import UserError
from relay.language.reading import read
from relay.prepare.models import refuse_logprobs


def test_a_model_that_says_no_log_probabilities_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "relay: 1\nmodels: {a: {engine: scripted, says: x}, b: {engine: http, model: m, url: 'http://h/v1'}}\n"
        "problems: sums\ngraph: {start: w, answer: w, nodes: {w: {write: [a, b]}}, edges: {w: end}}\n"
    )
    with pytest.raises(UserError, match="--logprobs: engine http gives no log-probabilities: b"):
        refuse_logprobs(read(str(path)).cells[0].scenario)
