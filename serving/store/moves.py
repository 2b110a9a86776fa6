"""The segment system of who moved between the bands of risk since the run before."""

from itertools import product

from serving.store.protocol import ANY_OF, ChurnFilter
from serving.store.run import RISKS

RISK_MOVE = "risk_move"

MOVES = {f"{before}_to_{now}": (before, now) for before, now in product(RISKS, RISKS)}
"""Value → the band in the run before, and now."""


def _worse(one: str, other: str) -> bool:
    # RISKS begins with the worst
    return RISKS.index(one) < RISKS.index(other)


def _filter_of(values: list[str]) -> ChurnFilter:
    return ChurnFilter(segments=((RISK_MOVE, ANY_OF.join(values)),))


SLIPPED = _filter_of([move for move, (before, now) in MOVES.items() if _worse(now, before)])
"""Those whose risk has risen."""

RETURNED = _filter_of([move for move, (before, now) in MOVES.items() if _worse(before, now)])
"""Those whose risk has fallen."""
