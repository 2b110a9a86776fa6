"""What is kept of customers and answered as it is: JSON, made once with the score."""

from collections.abc import Mapping
from typing import Any, TypedDict

CustomerDocument = dict[str, Any]
"""Everything about a customer; its fields are those of `serving.web.schemas.Customer`."""


class RankedProduct(TypedDict):
    """A product as answers list it; `why` names its facts."""

    rank: int
    product_id: str
    product_name: str | None
    category: str | None
    kind: str
    score: float
    why: Mapping[str, Any]
