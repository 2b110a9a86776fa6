"""The figures of a run that expected profits rest on, as everybody reads them."""

from collections.abc import Mapping
from typing import Any


def value_share(economics: Mapping[str, Any], margin_share: float | None = None) -> float:
    """What of the value at risk is profit, where somebody takes the margin for `margin_share`."""
    known = float(economics["margin_share"])
    share = float(economics.get("value_share", known))
    return share if margin_share is None else share * margin_share / known
