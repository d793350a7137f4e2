"""Credit: how much each segment moved the chance of a right answer, were one model to go on alone from there.

From the prefix before each segment of a rollout's final thought that model writes k continuations, with what was left
of the rollout's budget; what followed the last segment is the rollout itself. So a segment's credit is the chance after
it less the chance before it, and all of a rollout's add up to its outcome less the model's own chance on the problem:
their mean is what the relay gains over that model alone.
"""
