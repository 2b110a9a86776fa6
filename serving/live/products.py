"""Products beyond those that a run left: for filters that leave too few, for who has no orders."""

from collections.abc import Mapping
from typing import Any

from features.orders.histories import told_beside
from serving.live.after import read_lines
from serving.live.scorer import Scorer
from serving.live.shelf import ProductQuery
from serving.settings import Settings


def products_after(scorer: Scorer, settings: Settings, body: Mapping[str, Any]) -> dict[str, Any]:
    """The best products that pass the caller's filters and the shop's rules.

    Parameters
    ----------
    body : as `serving.live.after.asked_after` takes it, and `asked`: the fields of `ProductQuery`

    Returns
    -------
    `run_id`, the run that the scorer knows; where it is another one, nothing else. Else
    `recommendations`, as in a run's answer and ranked anew: fewer than asked for only where no
    product is left.
    """
    run = scorer.run
    if run is None or run.run_id != body["run_id"]:
        return {"run_id": None if run is None else run.run_id}
    read = read_lines(settings.data, body)
    found = scorer.products(
        body["customer_id"],
        [*read.files, *read.new],
        asked=ProductQuery(**body["asked"]),
        consents=told_beside(body["history"]).get("consents", False),
    )
    return {"run_id": run.run_id, "recommendations": found}


def popular_products(
    scorer: Scorer,
    settings: Settings,  # noqa: ARG001 - as for the other wishes
    body: Mapping[str, Any],
) -> dict[str, Any]:
    """The best products for somebody who has not ordered yet.

    Parameters
    ----------
    body : `asked`: the fields of `ProductQuery`

    Returns
    -------
    `as_of` (ISO 8601) and `recommendations`.

    Raises
    ------
    ConfigError
        When the segment is none that the models know.
    """
    found = scorer.popular(ProductQuery(**body["asked"]))
    return {"as_of": scorer.as_of.isoformat(), "recommendations": found}
