"""The figures that a proposal rests on, and where each comes from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

from features.errors import ConfigError
from serving.campaigns.plan import AssumedFigures
from serving.campaigns.request import CampaignRequest
from serving.store.economics import RunEconomics


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """The figures that a proposal rests on; `sources` says of each where it comes from:
    `request`, `setting`, `costs` (the orders tell them), `measured` (earlier campaigns),
    `uplift_model`.
    """

    cost_per_contact: float
    margin_share: float
    save_rate: float
    save_rate_low: float
    save_rate_high: float
    hold_out: float
    net_profit_per_sale: float
    spend_cv: float
    sources: Mapping[str, str]

    def to_dict(self) -> AssumedFigures:
        return cast("AssumedFigures", {**asdict(self), "sources": dict(self.sources)})


def assumptions(request: CampaignRequest, economics: RunEconomics) -> Assumptions:
    """What the request says, and for the rest the economics of the run.

    Raises
    ------
    ConfigError
        When the run was published without economics: by an earlier release.
    """
    if not economics:
        raise ConfigError("The latest run tells nothing about profits. Run `regulars score`.")
    measured = "measured" if economics["save_rate_campaigns"] else "setting"
    sources = {
        "cost_per_contact": "setting",
        "margin_share": economics["margin_source"],
        "save_rate": "uplift_model" if economics.get("targeting") else measured,
        "hold_out": "setting",
        "net_profit_per_sale": "mean_order",
    }
    given = {name: getattr(request, name) for name in sources if getattr(request, name) is not None}
    values = {**economics, **given}
    if "save_rate" in given:
        values |= {"save_rate_low": request.save_rate, "save_rate_high": request.save_rate}
    values.setdefault("net_profit_per_sale", economics["order_value"] * values["margin_share"])
    names = [name for name in Assumptions.__dataclass_fields__ if name != "sources"]
    return Assumptions(
        **{name: float(values[name]) for name in names},
        sources={**sources, **dict.fromkeys(given, "request")},
    )
