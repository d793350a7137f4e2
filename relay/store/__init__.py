"""The run file: one SQLite file a run, the only state there is, read while it is written."""
