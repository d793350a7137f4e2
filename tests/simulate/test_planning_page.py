"""What docs/planning.md shows is what comes out."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"


def test_the_python_that_is_shown_gives_the_figures_that_are_shown() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    shown = re.findall(r"^(\S.*?)\s+# (-?[\d.]+): ", code, flags=re.MULTILINE)
    assert len(shown) == 2
    for expression, figure in shown:
        assert eval(expression, names) == pytest.approx(float(figure), abs=5e-4)
    assert names["drawn"].correct.shape == (3, 200, 1)  # type: ignore[attr-defined]
