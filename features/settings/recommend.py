"""Settings of what a shop allows to be recommended."""

from pydantic import Field, model_validator

from features.settings.tables import Section


class Recommend(Section):
    """Rules that hold before the first products are taken; each left out filters nothing."""

    allow: tuple[str, ...] = ()
    """Product ids; where there are any, only these are recommended."""
    deny: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """Categories; where there are any, only these are recommended."""
    deny_categories: tuple[str, ...] = ()
    in_stock: str | None = None
    """A CSV or Parquet file with the ids of what can be sold, in a column `product_id`."""
    price_from: float | None = Field(None, ge=0)
    price_to: float | None = Field(None, ge=0)
    """Range of the median price that customers paid for one piece."""
    bought_within_days: int | None = Field(None, ge=0)
    """Hides what the customer bought in the last so many days."""
    per_category: int | None = Field(None, ge=1)
    """At most so many products of one category per customer."""
    new_share: float | None = Field(None, ge=0, le=1)
    """Share of products that are new to the customer."""
    needs_consent: bool = False
    """Customers without consent in data.customers get what is popular, whatever they bought."""

    @model_validator(mode="after")
    def _ascending(self) -> "Recommend":
        if None not in (self.price_from, self.price_to) and self.price_from > self.price_to:  # type: ignore[operator]
            raise ValueError("price_from must not be above price_to")
        return self
