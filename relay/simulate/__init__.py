"""Simulated studies with known truths: to test estimators, and to plan a study before any GPU is booked.

    from relay.simulate.rates import beta, logit_normal              # solve rates from a mean and an ICC
    from relay.simulate.study import Cell, Selection, Study
    from relay.simulate.truth import accuracy, aimed, contrast, icc, spread
    from relay.simulate.drawing import draw

    study = Study(logit_normal(0.5, icc=0.4), problems=200, samples=8, distractors=50, distractor_sd=1.0)
    study = study.of(Cell("solo"), aimed(study, Cell("m=0", steered=1.0), 0.3))
    drawn = draw(study, seed=1)          # drawn.correct: booleans (cells, problems, samples)
    accuracy(study, study.cells[1])      # 0.3, by numerical integration
    spread(study, [0, 1])                # the true standard deviation of that cell's mean over repeated studies

The chance that rollout (problem i, sample j) of a cell is right is the logistic function of
    rate_i + shift + slope * slope_i + steered * (distractor_d + interaction_id),    d = the distractor of (i, j),
where rate_i is the log-odds of the problem's solve rate and the others are normal with mean zero.
"""
