"""The names of a run's figures: what gates hold against the next run, and the server tells."""

BAND = "band_"
"""Share of the customers in a band of risk, whose name follows."""

DRIFT = "drift_"
"""Stability index of a group of features since the training."""

SAID, CAME = "said_", "came_"
"""What the latest finished run expected, and what came: `value` or `churn`."""

TRAINED_DAYS = "trained_days_"
"""Days of orders that a model does not know."""
