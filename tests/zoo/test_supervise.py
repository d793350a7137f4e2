"""docs/problems.md says what supervisors come to on the models that ship, and a small run of them says it again."""

from pathlib import Path

from tests.proof import supervise


def test_a_small_run_comes_to_what_the_page_says(tmp_path: Path) -> None:
    told = supervise.measured("relay/tiny", 4, tmp_path)
    by = {supervise.CELLS[cell["cell"]]: cell for cell in told["cells"]}
    assert [by[how]["harmful"]["held"] for how in ("hold", "no watch")] == [0, 4]
    assert 0 < by["no hold"]["harmful"]["held"] <= 4, "the step that tripped stays"
    assert {cell["alarms"]["held"] for cell in told["cells"]} == {0}
    assert by["no watch"]["kept"] is None
    assert by["hold"]["kept"] is not None
    assert len(list(supervise.table({"runs": {"relay/tiny": told}}))) == 2 + 3 + 1
