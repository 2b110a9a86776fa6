"""The likely buyers of a product or a category, as the latest run lists them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from serving.buyers.service import item_row, item_with_buyers, items_like
from serving.churn_list.lists import run_fields
from serving.errors import NotInRun
from serving.store.likely_buyers import BuyerStore, ItemKind
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.paths import ItemId
from serving.web.problems import declared
from serving.web.schemas import RunFields
from serving.web.shape import ApiShape


class ItemQuery(TextQuery):
    """Which items to return."""

    kind: ItemKind | None = None
    search: str = Field("", description="Part of an id, a name or a category")
    limit: int = Field(100, ge=1, le=2_000)


class BuyerQuery(TextQuery):
    """How much of an item's list to return."""

    limit: int = Field(100, ge=1, le=500)


class ListedItem(ApiShape):
    """An item that has a list of likely buyers."""

    kind: ItemKind
    item_id: str = Field(description="The product's id, or the category")
    name: str | None
    category: str | None
    will_buy: str = Field(description="The filter of lists and campaigns by this item")
    past_buyers: int = Field(description="Customers who have bought it before")
    expected_buyers: float = Field(
        description="How many customers will buy it in the horizon: the sum of all their chances"
    )
    expected_buyers_low: int = Field(description="10 % point of that number")
    expected_buyers_high: int = Field(description="90 % point of that number")


class ListedItems(RunFields):
    items: list[ListedItem] = Field(description="The most buyers expected first")


class ListedCustomer(ApiShape):
    """A customer on an item's list."""

    rank: int
    customer_id: str
    chance: float = Field(
        description="P(buys the item in the horizon), never above the customer's `p_order`; that of "
        "a category never below that of a product in it"
    )
    times_bought: int
    last_bought_days_ago: int | None = Field(description="null: not bought yet")


class ItemCustomers(RunFields, ListedItem):
    """An item and its likeliest buyers. The list is of the run; orders sent since are not in it."""

    listed: int = Field(description="Customers on the list; `will_buy` lets these through")
    customers: list[ListedCustomer] = Field(description="The likeliest first")


def buyer_routes(context: RouteContext, buyers: BuyerStore) -> APIRouter:
    """Who will probably buy what."""
    router = APIRouter(prefix="/v1", tags=["products"])

    @router.get(
        "/likely-buyers",
        operation_id="getLikelyBuyers",
        summary="How many customers will buy each of the products and categories bought most",
        response_model=ListedItems,
        responses=declared(422, 503),
    )
    def get_likely_buyers(
        query: Annotated[ItemQuery, Query()], response: Response
    ) -> dict[str, object]:
        run = context.scores.latest_run()
        response.headers.update(context.ages(run))
        items = items_like(buyers.items(query.kind), query.search)
        return {**run_fields(run), "items": [item_row(item) for item in items[: query.limit]]}

    def customers_of(
        kind: ItemKind, item_id: str, query: BuyerQuery, response: Response
    ) -> dict[str, object]:
        run = context.scores.latest_run()
        if (answer := item_with_buyers(buyers, kind, item_id, limit=query.limit)) is None:
            raise NotInRun(
                f"This run has no list of likely buyers of this {kind}: there is no such {kind}, or "
                "too few customers bought it in the last year. GET /v1/likely-buyers names those that have one."
            )
        response.headers.update(context.ages(run))
        return {**run_fields(run), **answer}

    @router.get(
        "/products/{item_id:path}/customers",
        operation_id="getProductCustomers",
        summary="Who will probably buy a product in the horizon",
        response_model=ItemCustomers,
        responses=declared(404, 422, 503),
    )
    def get_product_customers(
        item_id: ItemId, query: Annotated[BuyerQuery, Query()], response: Response
    ) -> dict[str, object]:
        return customers_of("product", item_id, query, response)

    @router.get(
        "/categories/{item_id:path}/customers",
        operation_id="getCategoryCustomers",
        summary="Who will probably buy something of a category in the horizon",
        response_model=ItemCustomers,
        responses=declared(404, 422, 503),
    )
    def get_category_customers(
        item_id: ItemId, query: Annotated[BuyerQuery, Query()], response: Response
    ) -> dict[str, object]:
        return customers_of("category", item_id, query, response)

    return router
