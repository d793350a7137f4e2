"""What docs/planning.md shows is what comes out."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"


def test_the_python_that_is_shown_gives_the_figures_that_are_shown() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    checked = 0
    for line in code.splitlines():
        shown = re.match(r"([a-z].*?)\s+# (-?[\d.]+): ", line)
        exec(line, names)
        if shown:
            assert eval(shown[1], names) == pytest.approx(float(shown[2]), abs=5e-4)
            checked += 1
    assert checked == 2
    assert names["drawn"].correct.shape == (3, 200, 1)  # type: ignore[attr-defined]
