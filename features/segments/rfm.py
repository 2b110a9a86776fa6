"""RFM: quintile scores, the cell `555`…`111` and the eight groups.

Recency is days since the last order, frequency and money are orders and net spend of the
last 365 days. Quintile scores run from 1 to 5 (5 = most recent, most orders, most spend);
equal values share a score. The eight groups compare each of the three with its mean.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

GROUPS = {
    # (recency, frequency, money above the mean): name
    (True, True, True): "important_value",
    (False, True, True): "important_keep",
    (True, False, True): "important_develop",
    (False, False, True): "important_win_back",
    (True, True, False): "general_value",
    (False, True, False): "general_keep",
    (True, False, False): "general_develop",
    (False, False, False): "general_win_back",
}


class Rfm:
    """The RFM cell and group of each customer."""

    columns = ("rfm_cell", "rfm_group")

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score a feature table.

        Parameters
        ----------
        features : one row per customer with `days_since_last_order`, `orders_365d`, `spend_365d`

        Returns
        -------
        `rfm_cell` (text of three digits R, F, M) and `rfm_group`, same index.
        """
        silence = features["days_since_last_order"]
        orders, spend = features["orders_365d"], features["spend_365d"]
        cells = (
            100 * quintile_scores(-silence.to_numpy())
            + 10 * quintile_scores(orders.to_numpy())
            + quintile_scores(spend.to_numpy())
        )
        high = zip(
            silence < silence.mean(), orders > orders.mean(), spend > spend.mean(), strict=True
        )
        return pd.DataFrame(
            {
                "rfm_cell": cells.astype(str),
                "rfm_group": [GROUPS[bool(r), bool(f), bool(m)] for r, f, m in high],
            },
            index=features.index,
        )


def quintile_scores(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Scores 1–5: one, and one more for each fifth of the customers with a smaller value.

    >>> quintile_scores(np.array([10.0, 20, 30, 40, 50]))
    array([1, 2, 3, 4, 5])
    >>> quintile_scores(np.array([1.0, 1, 1, 2, 9]))
    array([1, 1, 1, 4, 5])
    """
    smaller = np.searchsorted(np.sort(values), values, side="left")
    return np.asarray(1 + (5 * smaller) // len(values), dtype=np.int64)
