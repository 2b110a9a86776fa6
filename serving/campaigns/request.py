"""What a marketer asks for: one request for the API, the page's form and the store."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from features.errors import ConfigError
from serving.store.protocol import ChurnFilter, segment_pairs
from serving.web.schemas import IsoDay, Rhythm, Risk, Status
from serving.web.shape import ApiShape

Choose = Literal["best", "every_nth"]
ItemText = Annotated[str, Field(pattern=r"^(product|category):[^\x00]+$", max_length=300)]
Segment = Annotated[str, Field(pattern=r"^[^:\x00]+:[^\x00]+$", max_length=300)]
CampaignName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
Amount = Annotated[FiniteFloat, Field(ge=0, le=1e12)]
Text200 = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


LATER_FILTERS = ("rhythm", "due_from", "due_until", "will_buy")


class CampaignFilter(ApiShape):
    """Which customers may be chosen; as of `GET /v1/churn-list`."""

    risk: list[Risk] = Field([])
    status: list[Status] = Field([])
    rhythm: list[Rhythm] = Field([])
    segment: list[Segment] = Field([], description="system:value; all given must hold")
    min_value_at_risk: FiniteFloat | None = None
    due_from: IsoDay | None = Field(None, description="First day of the next order")
    due_until: IsoDay | None = Field(None, description="Last day of the next order")
    will_buy: list[ItemText] = Field(
        [], description="product:ID or category:NAME: on the list of likely buyers of any of them"
    )

    def filter(self) -> ChurnFilter:
        return ChurnFilter(
            risk=tuple(self.risk),
            status=tuple(self.status),
            segments=segment_pairs(self.segment),
            min_value_at_risk=self.min_value_at_risk,
            rhythm=tuple(self.rhythm),
            due_from=self.due_from,
            due_until=self.due_until,
            will_buy=tuple(self.will_buy),
        )


class CampaignRequest(ApiShape):
    """A campaign as it is asked for; what is left out, the score run's economics say."""

    name: CampaignName
    filter: CampaignFilter = CampaignFilter()
    choose: Choose = Field(
        "best",
        description="best: the highest expected profits, none below 0; every_nth: a test of all "
        "RFM cells in their shares",
    )
    contacts: int | None = Field(None, ge=1, le=100_000_000, description="How many to contact")
    amount: Amount | None = Field(None, description="What that may cost, instead of `contacts`")
    hold_out: float | None = Field(
        None, gt=0, le=0.5, description="Share of the chosen who are not contacted"
    )
    cost_per_contact: Amount | None = None
    margin_share: float | None = Field(None, gt=0, le=1, description="Net profit ÷ revenue")
    save_rate: float | None = Field(
        None, gt=0, le=1, description="Share of the value at risk that a contact saves"
    )
    net_profit_per_sale: float | None = Field(None, gt=0, le=1e12)
    starts_on: str | None = Field(
        None, json_schema_extra={"format": "date"}, description="Default: the scores' date"
    )
    horizon_days: int | None = Field(None, ge=1, le=730)
    roll_out_of: Text200 | None = Field(
        None, description="A measured test whose RFM cells at or above break-even are contacted"
    )
    seed: Text200 | None = Field(None, description="Of the hold-out; of a proposal, to keep it")

    @property
    def chosen_from(self) -> ChurnFilter:
        """Which customers of the churn list may be chosen."""
        return self.filter.filter()

    @property
    def first_day(self) -> date | None:
        """Orders from this day on count; None: from the date of the scores.

        Raises
        ------
        ConfigError
            When `starts_on` is no date.
        """
        try:
            return None if self.starts_on is None else date.fromisoformat(self.starts_on)
        except ValueError:
            raise ConfigError("starts_on: not a date such as 2026-03-01.") from None

    def to_dict(self) -> dict[str, Any]:
        """As it is kept, ready for JSON: a later request under the same key is held against it.

        What the first release did not filter by stands there only where it filters.
        """
        listed = {
            name: _plain(value)
            for name, value in asdict(self.chosen_from).items()
            if value or name not in LATER_FILTERS
        }
        return {
            "name": self.name,
            "wanted": {**listed, "segments": list(map(list, self.chosen_from.segments))},
            **self.model_dump(exclude={"name", "filter"}),
            "starts_on": self.first_day and self.first_day.isoformat(),
        }

    def problems(self) -> list[str]:
        """Everything that cannot be, one sentence each."""
        problems = []
        if self.contacts is not None and self.amount is not None:
            problems.append("contacts, amount: give one of the two.")
        if self.choose == "every_nth" and self.roll_out_of is not None:
            problems.append("roll_out_of: what a test found good is contacted, not tested again.")
        return problems


def _plain(value: object) -> object:
    """Ready for JSON."""
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
