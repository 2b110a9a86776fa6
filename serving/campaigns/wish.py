"""What a marketer asks for."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal

from features.errors import ConfigError
from serving.store.protocol import ChurnFilter

Choose = Literal["best", "every_nth"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A campaign as it is asked for; None leaves a figure to the run's economics.

    Attributes
    ----------
    name : for people
    wanted : which customers of the churn list may be chosen
    choose : `best`: the highest expected profits, none below 0; `every_nth`: a test of all RFM
        cells in their shares (Hughes)
    contacts, amount : the budget, one of the two: how many are contacted, or how much money
        that may cost. Neither: everybody who is worth it
    hold_out : share of the chosen who are not contacted, above 0, at most 0.5
    cost_per_contact : units of the currency
    margin_share : net profit ÷ revenue
    save_rate : share of the value at risk that a contact saves
    net_profit_per_sale : for the break-even response; None: mean order × margin share
    starts_on : orders from this day on count; None: the date of the scores
    horizon_days : for so long; None: the horizon of the scores
    roll_out_of : a campaign whose RFM cells at or above break-even are contacted now
    seed : of the hold-out, any text; None: a new random one
    """

    name: str
    wanted: ChurnFilter = field(default_factory=ChurnFilter)
    choose: Choose = "best"
    contacts: int | None = None
    amount: float | None = None
    hold_out: float | None = None
    cost_per_contact: float | None = None
    margin_share: float | None = None
    save_rate: float | None = None
    net_profit_per_sale: float | None = None
    starts_on: date | None = None
    horizon_days: int | None = None
    roll_out_of: str | None = None
    seed: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        day = None if self.starts_on is None else self.starts_on.isoformat()
        values = {**asdict(replace(self, starts_on=None)), "starts_on": day}
        # as it is read back: lists instead of tuples
        read: dict[str, Any] = json.loads(json.dumps(values))
        return read

    def problems(self) -> list[str]:
        """Everything that cannot be, one sentence each."""
        found = []
        if self.contacts is not None and self.amount is not None:
            found.append("contacts, amount: give one of the two.")
        if self.hold_out is not None and not 0 < self.hold_out <= 0.5:
            found.append("hold_out: a share above 0, at most 0.5.")
        if self.choose == "every_nth" and self.roll_out_of is not None:
            found.append("roll_out_of: what a test found good is contacted, not tested again.")
        return found


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

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "sources": dict(self.sources)}


def assumptions(wish: Wish, economics: Mapping[str, Any]) -> Assumptions:
    """What the wish says, and for the rest the economics of the run.

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
    given = {name: getattr(wish, name) for name in sources if getattr(wish, name) is not None}
    values = {**economics, **given}
    if "save_rate" in given:
        values |= {"save_rate_low": wish.save_rate, "save_rate_high": wish.save_rate}
    values.setdefault("net_profit_per_sale", economics["order_value"] * values["margin_share"])
    names = [name for name in Assumptions.__dataclass_fields__ if name != "sources"]
    return Assumptions(
        **{name: float(values[name]) for name in names},
        sources={**sources, **dict.fromkeys(given, "request")},
    )
