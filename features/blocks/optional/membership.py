"""Whether a contract has been cancelled; a cancellation of a later date is not seen."""

import numpy as np
import numpy.typing as npt

from features.blocks.block import Block, Feature
from features.language.message import message
from features.rows import Features, column

CANCELLED = "is_cancelled"

BLOCK = Block(
    name="membership",
    grain="customer_attributes",
    needs="cancellations",
    features=(
        Feature(
            CANCELLED,
            "yes_no",
            "table",
            "MAX(CASE WHEN cancelled_day < {as_of} THEN 1 ELSE 0 END)",
            message("contract cancelled"),
        ),
        Feature(
            "days_since_cancellation",
            "days",
            "table",
            "{as_of} - MAX(CASE WHEN cancelled_day < {as_of} THEN cancelled_day END)",
            message("days since the cancellation"),
        ),
    ),
)


def is_cancelled(features: Features) -> npt.NDArray[np.bool_]:
    """Whose contract is over, one per row; where nothing is known of a contract it runs."""
    if CANCELLED not in features:
        return np.zeros(len(features), dtype=bool)
    return np.asarray(column(features, CANCELLED) > 0)
