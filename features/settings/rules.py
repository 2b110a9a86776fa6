"""`[data.rules]`: what counts as an order."""

from typing import Literal

from features.settings.section import Section


class Rules(Section):
    """What counts as an order of a customer."""

    cancelled_order_prefix: str | None = None
    ignore_products: tuple[str, ...] = ()
    duplicates: Literal["drop", "keep"] | None = None
    """Exact duplicate rows of one file; None: dropped where orders have ids, else kept."""
    anonymous_customers: tuple[str, ...] = ()
    """Customer ids that are no person: tills, default cards; their rows count as anonymous."""
    product_code_case: Literal["keep", "upper"] = "keep"
    """"upper" reads product codes in capital letters without blanks: '85099b ' is '85099B'."""
