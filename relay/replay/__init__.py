"""Replaying: a run file as a model, and a whole run played again with no model at all."""
