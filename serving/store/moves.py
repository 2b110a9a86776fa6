"""The segment systems of who moved between bands of risk and between stages since the run before."""

from itertools import product

from serving.store.protocol import ANY_OF, ChurnFilter
from serving.store.run import RISKS

RISK_MOVE = "risk_move"
STAGE_SYSTEM = "lifecycle"
STAGE_MOVE = "stage_move"
NEW = "new"
"""Where those come from who were not in the run before, or had no stage in it."""

MOVES = {f"{before}_to_{now}": (before, now) for before, now in product(RISKS, RISKS)}
"""Value → the band in the run before, and now."""


def stage_move(before: str | None, now: str) -> str:
    """The value of `STAGE_MOVE` of who went from a stage to another; None: new."""
    return f"{before or NEW}_to_{now}"


def _worse(one: str, other: str) -> bool:
    # RISKS begins with the worst
    return RISKS.index(one) < RISKS.index(other)


def _filter_of(values: list[str]) -> ChurnFilter:
    return ChurnFilter(segments=((RISK_MOVE, ANY_OF.join(values)),))


SLIPPED = _filter_of([move for move, (before, now) in MOVES.items() if _worse(now, before)])
"""Those whose risk has risen."""

RETURNED = _filter_of([move for move, (before, now) in MOVES.items() if _worse(before, now)])
"""Those whose risk has fallen."""
