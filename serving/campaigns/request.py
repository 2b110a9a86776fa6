"""What a marketer asks for: one request for the API, the page's form and the store."""

from dataclasses import fields
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat

from features.errors import ConfigError
from serving.store.protocol import ChurnFilter, checked_span, segment_pairs
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import both_of
from serving.web.params import RuleCalled
from serving.web.schemas import IsoDay, Rhythm, Risk, Status, day_within
from serving.web.shape import ApiShape
from training.experiments.decisions.decision_design import EXPLORE, HOLD_OUT

Choose = Literal["best", "every_nth"]
ItemText = Annotated[str, Field(pattern=r"^(product|category):[^\x00]+$", max_length=300)]
Segment = Annotated[str, Field(pattern=r"^[^:\x00]+:[^\x00]+$", max_length=300)]
CampaignName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
Amount = Annotated[FiniteFloat, Field(ge=0, le=1e12)]
Text200 = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


HOLD_OUT_ARM, TREATED_ARM = "hold_out", "treated"
MOST_TREATMENTS = 8
OF_TREATMENTS = ("treatments", "rounds", "explore", "most_contacts")
LATER_FIELDS = (*OF_TREATMENTS, "channel")
"""Kept only where they are set: requests of an earlier release had none of them."""
LATER_FILTERS = ("rhythm", "due_from", "due_until", "will_buy", "where")


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
    where: str | None = Field(
        None, max_length=20_000, description="A rule, as of `GET /v1/churn-list`"
    )
    audience: Text200 | None = Field(
        None, description="Id or name of a saved audience: its rule as it is now"
    )

    def with_rule(self, rule_called: RuleCalled) -> Self:
        """The same with the rule of its audience in the place of the name."""
        if self.audience is None:
            return self
        own = rule_of_text(self.where) if self.where else None
        rule = both_of(rule_called(self.audience), own)
        where = None if rule is None else text_of_rule(rule)
        return self.model_copy(update={"where": where, "audience": None})

    def filter(self) -> ChurnFilter:
        return checked_span(
            ChurnFilter(
                risk=tuple(self.risk),
                status=tuple(self.status),
                segments=segment_pairs(self.segment),
                min_value_at_risk=self.min_value_at_risk,
                rhythm=tuple(self.rhythm),
                due_from=self.due_from,
                due_until=self.due_until,
                will_buy=tuple(self.will_buy),
                rule=rule_of_text(self.where) if self.where else None,
            )
        )


class Treatment(ApiShape):
    """One of several ways to contact a customer: an offer, a channel, a week."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00=;]*[^\x00=;\s]$")]
    cost_per_contact: Amount


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
    channel: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*\S$")] | None = (
        Field(
            None,
            description="By which customers are contacted; without `cost_per_contact` a contact "
            "costs what it did in the latest campaign of this channel, or as the settings say",
        )
    )
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
    treatments: list[Treatment] = Field(
        [],
        max_length=MOST_TREATMENTS,
        description="Several, tried in rounds: each score run after the end of a round makes the "
        "next one, in which shares have moved towards what works",
    )
    rounds: int | None = Field(None, ge=1, le=52, description="Of treatments, at most")
    explore: float | None = Field(
        None, gt=0, le=0.1, description="Least share of each treatment; default 0.02"
    )
    most_contacts: int | None = Field(
        None, ge=1, le=1_000, description="Nobody is contacted more often in all rounds"
    )

    def with_rule(self, rule_called: RuleCalled) -> Self:
        """The same with the rule of its audience in the place of the name: it stays as it is now."""
        return self.model_copy(update={"filter": self.filter.with_rule(rule_called)})

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
            When `starts_on` is no date of the years that orders may be of.
        """
        try:
            return None if self.starts_on is None else day_within(self.starts_on)
        except ValueError:
            raise ConfigError(
                "starts_on: not a date such as 2026-03-01 from 1980 to 2099."
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """As it is kept, ready for JSON: a later request under the same key is held against it.

        What the first release did not filter by stands there only where it filters.
        """
        chosen = self.chosen_from
        values = {field.name: getattr(chosen, field.name) for field in fields(chosen)}
        rule = values.pop("rule")
        values["where"] = None if rule is None else text_of_rule(rule)
        listed = {
            name: _plain(value)
            for name, value in values.items()
            if value or name not in LATER_FILTERS
        }
        return {
            "name": self.name,
            "wanted": {**listed, "segments": list(map(list, self.chosen_from.segments))},
            **{
                name: value
                for name, value in self.model_dump(exclude={"name", "filter"}).items()
                if value or name not in LATER_FIELDS
            },
            "starts_on": self.first_day and self.first_day.isoformat(),
        }

    def problems(self) -> list[str]:
        """Everything that cannot be, one sentence each."""
        problems = []
        if self.contacts is not None and self.amount is not None:
            problems.append("contacts, amount: give one of the two.")
        if self.choose == "every_nth" and self.roll_out_of is not None:
            problems.append("roll_out_of: what a test found good is contacted, not tested again.")
        return problems + self._treatment_problems()

    def _treatment_problems(self) -> list[str]:
        if not self.treatments:
            asked_for = [name for name in OF_TREATMENTS if getattr(self, name)]
            return [f"{name}: only with treatments." for name in asked_for]
        problems = []
        names = [treatment.name for treatment in self.treatments]
        if len({*names, HOLD_OUT_ARM, TREATED_ARM}) < len(names) + 2:
            problems.append(
                f"treatments: names of their own, none called {HOLD_OUT_ARM} or {TREATED_ARM}."
            )
        if self.rounds is None:
            problems.append("rounds: say how many there are at most.")
        if self.choose != "best" or self.roll_out_of is not None:
            problems.append("treatments: neither with a test of cells nor with its roll-out.")
        least = (self.hold_out or HOLD_OUT) + (self.explore or EXPLORE) * len(self.treatments)
        if least >= 1:
            problems.append("hold_out, explore: all least shares together must be below 1.")
        if self.cost_per_contact is not None or self.channel is not None:
            problems.append("cost_per_contact, channel: each treatment has its own cost.")
        return problems


def _plain(value: object) -> object:
    """Ready for JSON."""
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
