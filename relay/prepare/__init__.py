"""Before the first rollout: problems, solo samples, selection, and what each rollout is given."""
