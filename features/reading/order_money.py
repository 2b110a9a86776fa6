"""Money of a whole order, spread over its lines; money given back, taken off.

Both look at the other lines of an order, so they are done once duplicates are known. Sums are exact
in minor units: what rounding leaves over goes one unit each to the largest lines.
"""

from collections.abc import Collection

from features.settings.data import Data

OF_ORDERS = ("order_discount", "order_tax", "order_refunded")
"""Fields of `typed_lines` that hold money of the whole order, on its first line or on each."""

TAKEN_OFF = (
    "CASE WHEN refunded > 0 AND verdict IS NULL AND NOT is_return "
    "THEN least(refunded, greatest(amount, 0)) ELSE 0 END"
)
"""SQL over the rows of `kinds`: what of a refund is taken off the amount of its line."""

AMOUNT_LEFT = "amount - refunded"
"""SQL over the same rows, `refunded` being `TAKEN_OFF`."""


def settled_rows(data: Data, of_orders: Collection[str], no_goods: str) -> str:
    """SQL for the rows of `kinds` with amounts after the money of their order, and after refunds.

    Parameters
    ----------
    data : the mapping and its rules
    of_orders : the fields of `OF_ORDERS` that the configuration fills
    no_goods : SQL predicate for lines that are no goods and bear nothing

    Returns
    -------
    The rows without `of_orders`. `refunded` is what was given back of a line, and `amount` of a
    purchase what is left of it: before the refund, it was their sum.
    """
    rows = _weighed(no_goods) if of_orders else "SELECT *, false AS is_weighed FROM kinds"
    if "order_discount" in of_orders:
        is_due = data.rules.discount == "to_take_off"
        taken = ["amount - share AS amount"] if is_due else []
        rows = _spread(
            rows, "order_discount", ["discount + share AS discount", *taken], is_due=is_due
        )
    if "order_tax" in of_orders:
        rows = _spread(rows, "order_tax", ["amount - share AS amount"], is_due=True)
    if "order_refunded" in of_orders:
        rows = _spread(rows, "order_refunded", ["refunded + share AS refunded"], is_due=True)
    return f"""
        SELECT * REPLACE ({AMOUNT_LEFT} AS amount)
        FROM (SELECT * EXCLUDE (is_weighed) REPLACE ({TAKEN_OFF} AS refunded) FROM ({rows}))"""


def _weighed(no_goods: str) -> str:
    """The rows, with which of them bear the money of their order."""
    bears = f"""amount > 0 AND NOT is_return AND ordered_at IS NOT NULL AND quantity IS NOT NULL
                AND order_id IS NOT NULL AND again.source_row IS NULL AND NOT ({no_goods})"""
    # a line that was cancelled bears nothing while another of its order stands
    stands = """verdict IS NULL OR NOT bool_or(is_weighed AND verdict IS NULL)
                OVER (PARTITION BY customer_id, order_id)"""
    return f"""
        SELECT * REPLACE (is_weighed AND ({stands}) AS is_weighed)
        FROM (SELECT kinds.*, coalesce({bears}, false) AS is_weighed
              FROM kinds LEFT JOIN duplicates AS again USING (source_file, source_row))"""


def _spread(rows: str, field: str, replaced: list[str], *, is_due: bool) -> str:
    """`rows` with the field's money of each order as `share` of a line, told to `replaced`.

    Where it `is_due`, an order bears no more than its lines hold.
    """
    order = "PARTITION BY customer_id, order_id"
    most = (
        f"least(coalesce(max({field}) OVER ({order}), 0), weights)"
        if is_due
        else (f"coalesce(max({field}) OVER ({order}), 0)")
    )
    weighed = f"""
        SELECT *, CASE WHEN is_weighed THEN amount ELSE 0 END AS weight,
               sum(CASE WHEN is_weighed THEN amount ELSE 0 END) OVER ({order}) AS weights
        FROM ({rows})"""
    due = f"SELECT *, {most} AS due FROM ({weighed})"
    whole = f"""
        SELECT *, CASE WHEN weights > 0 THEN due::HUGEINT * weight // weights ELSE 0 END AS whole_share,
               row_number() OVER ({order} ORDER BY weight DESC, product_id, quantity, ordered_at,
                                  source_file, source_row) AS turn
        FROM ({due})"""
    share = f"""
        SELECT *, CAST(whole_share + CASE WHEN weight > 0 AND turn <= due - sum(whole_share)
                           OVER ({order}) THEN 1 ELSE 0 END AS BIGINT) AS share
        FROM ({whole})"""
    helpers = f"{field}, weight, weights, due, whole_share, turn, share"
    return f"SELECT * EXCLUDE ({helpers}) REPLACE ({', '.join(replaced)}) FROM ({share})"
