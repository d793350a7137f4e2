"""The docs are true: the schema as described, the queries as shown, the commands as written."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from relay.store.schema import CHANCE, DISTANCE, RECORDING, TABLES, VERSION

ROOT = Path(__file__).parents[2]


def test_the_run_file_s_page_names_every_table_and_column() -> None:
    page = (ROOT / "docs" / "run-file.md").read_text()
    sections = dict(re.findall(r"### `(\w+)`\n(.*?)(?=\n### |\Z)", page, flags=re.DOTALL))
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES + RECORDING + DISTANCE + CHANCE)
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        columns = {table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in tables}
    assert sorted(sections) == sorted(tables)
    for table in tables:
        for column in columns[table]:
            if column != "one":
                assert f"`{column}`" in sections[table], f"{table}.{column} is not described"
    assert f"schema: **{VERSION}**" in page
