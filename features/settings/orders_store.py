"""The part of `[store]` that holds what was read of the orders."""

from features.settings.section import Section


class OrdersStore(Section):
    """Where orders put aside, and orders between runs, are kept."""

    quarantine: str = "data/quarantine.parquet"
    log: str | None = None
    """Where orders are kept between runs, so that new files cost what they touch."""
