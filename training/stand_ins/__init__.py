"""Named baselines as models: each stands in where a model is refused and has no champion.

They answer what the models answer, by the rule that a marketer knows, and are saved, checked and
explained alike. P(alive), intervals and the lifetime come from the purchase process, as beside
the models.
"""
