"""The MBG/CNBD-k model: customers who buy at regular gaps."""

from __future__ import annotations

from typing import ClassVar, Self

import pandas as pd

from features.errors import ConfigError
from training.process.beta_geometric_base import BetaGeometricProcess
from training.process.purchase_summary import read_summary
from training.process.regularity import gaps_log_density, read_litt

MOST_STAGES = 12
"""Gaps that vary by less than 1 / √12 of their mean are no longer told apart."""


class RegularBetaGeometric(BetaGeometricProcess):
    """MBG/CNBD-k: as MBG/NBD, but gaps are Erlang-k: their spread is 1 / √k of their mean.

    A customer who is silent for longer than usual is therefore suspected sooner, and one who
    has just bought is not expected back at once. With k = 1 it is `ModifiedBetaGeometric`.

    Parameters
    ----------
    k : steps per purchase, 1 to 12; `training.process.choice.fit_process` chooses one
    penalty : as in `BetaGeometricProcess`

    Attributes
    ----------
    alpha_ : rate of the rates of the steps: a typical gap is k · alpha_ / r_
    log_likelihood_ : of the purchase times if the summary has the column `litt` (sum of ln
        gap), else of the sums of the gaps: comparable between all k either way, not between
        the two ways

    Other parameters, attributes and methods: see
    `training.process.beta_geometric_base.BetaGeometricProcess`.

    References
    ----------
    Platzer, M. & Reutterer, T. (2016). Ticking Away the Moments: Timing Regularity Helps to
    Better Predict Customer Activity. Marketing Science 35(5), 779-799.
    Reutterer, T., Platzer, M. & Schröder, N. (2021). Leveraging Purchase Regularity for
    Predicting Customer Behavior the Easy Way. International Journal of Research in Marketing
    38(1), 194-215.

    Examples
    --------
    >>> import pandas as pd
    >>> summary = pd.DataFrame({"x": [0, 3, 9], "t_x": [0, 80, 180], "T": [200, 100, 190]})
    >>> model = RegularBetaGeometric(k=2).fit(summary)
    >>> bool(0 < model.p_alive(summary)[0] < 1)
    True
    """

    model = "MBG/CNBD-k"
    first_chance = 1
    settings: ClassVar[dict[str, type]] = {"k": int}

    def __init__(self, *, k: int = 2, penalty: float = 1e-4) -> None:
        super().__init__(penalty=penalty)
        self.k = k

    def fit(self, summary: pd.DataFrame) -> Self:
        """Fit by maximum likelihood; see `TimingProcess.fit`.

        Parameters
        ----------
        summary : as there; `litt` beside it only adds to `log_likelihood_`

        Raises
        ------
        ConfigError
            Also if k is no whole number from 1 to 12.
        """
        if self.k not in range(1, MOST_STAGES + 1):
            raise ConfigError(f"k must be a whole number from 1 to {MOST_STAGES} ({self.k!r}).")
        super().fit(summary)
        counts = read_summary(summary)
        litt = read_litt(summary, counts)
        self.log_likelihood_ += gaps_log_density(counts, litt, stages=self.k)
        return self

    @property
    def _stages(self) -> int:
        return self.k
