"""What the lines and groups of the ledger of customers are called."""

from features.language.message import mark

LINES = {
    "passing": mark("Passing of time (interest)"),
    "acquired": mark("Acquired: new customers"),
    "ordered": mark("Revalued: ordered since"),
    "silent": mark("Revalued: silent since"),
    "lost": mark("Lost: no longer known"),
    "realised": mark("Realised: brought since, now in the books"),
}
"""The lines between opening and closing; what is realised is taken off."""

KINDS = {
    "month": mark("Month of the first order"),
    "channel": mark("Channel"),
    "category": mark("Category first bought"),
    "product": mark("Product first bought"),
}
"""What customers are grouped by."""
