"""The numbers: how each is made from the rows of a run file, with its interval and what that does not cover."""
