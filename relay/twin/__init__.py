"""The twin tests of one or several models: what to run, how much that is, and what came of it."""
