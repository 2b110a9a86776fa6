"""The form of a new campaign: plain parameters, there and back."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from features.language.message import mark
from serving.campaigns.request import CampaignFilter, CampaignRequest, Choose, Treatment
from serving.churn_list.form import ListForm
from serving.store.protocol import ChurnFilter, Consent
from serving.store.rule.text import text_of_rule
from serving.web.call import address
from serving.web.params import RuleCalled
from serving.web.schemas import day_within
from serving.web.typed_numbers import number_in

LARGEST = 1e12
MOST_CONTACTS = 100_000_000
LONGEST_NAME = 200
LONGEST_DAYS = 730
MOST_ROUNDS = 52
MOST_TIMES = 1_000

Budget = Literal["contacts", "amount", "all"]
BUDGETS: tuple[Budget, ...] = get_args(Budget)
CHOICES: tuple[Choose, ...] = get_args(Choose)

PROBLEMS = {
    "name": mark("Give the campaign a name."),
    "budget": mark("The budget must be a number above 0."),
    "whole_budget": mark("The number of contacts must be a whole number above 0."),
    "kind": mark("There is no such kind of budget. Choose one from the list."),
    "choose": mark("There is no such way to choose customers. Choose one from the list."),
    "hold_out": mark("The hold-out must be above 0 and at most 50 percent."),
    "cost_per_contact": mark("The cost of a contact must be a number from 0 on."),
    "margin_share": mark("The margin must be above 0 and at most 100 percent."),
    "save_rate": mark("The share saved must be above 0 and at most 100 percent."),
    "horizon_days": mark("The length must be a whole number of days from 1 to 730."),
    "starts_on": mark("The first day must be a date from 1980 to 2099."),
    "treatments": mark("Write treatments as name = cost, with a semicolon between them."),
    "rounds": mark("Treatments need a whole number of rounds, from 1 to 52."),
    "most_contacts": mark("Contacts of one customer must be a whole number from 1 on."),
}


class ListFilter(CampaignFilter):
    """Which customers may be chosen, as the page of the churn list filters: by consent, too."""

    consent: tuple[Consent, ...] = ()

    def filter(self) -> ChurnFilter:
        return replace(super().filter(), consent=self.consent)


@dataclass(frozen=True, kw_only=True)
class CampaignForm:
    """What has been typed, as text; shares in percent. Empty texts leave it to the run."""

    customers: ListForm
    name: str = ""
    choose: str = "best"
    kind: str = "contacts"
    budget: str = ""
    hold_out: str = ""
    cost_per_contact: str = ""
    channel: str = ""
    margin_share: str = ""
    save_rate: str = ""
    starts_on: str = ""
    horizon_days: str = ""
    roll_out_of: str = ""
    seed: str = ""
    once: str = ""
    treatments: str = ""
    rounds: str = ""
    most_contacts: str = ""

    @classmethod
    def read(cls, params: QueryParams, rule_called: RuleCalled) -> "CampaignForm":
        """The form in a request's parameters; raises `ConfigError` for a filter that cannot be."""
        texts = {
            field.name: params[field.name].strip()
            for field in fields(cls)
            if field.name != "customers" and params.get(field.name, "").strip()
        }
        form = cls(customers=ListForm.read(params, rule_called=rule_called), **texts)
        for name, allowed in (("kind", BUDGETS), ("choose", CHOICES)):
            if getattr(form, name) not in allowed:
                raise ConfigError(PROBLEMS[name])
        return form

    def request(self) -> CampaignRequest:
        """What is asked for.

        Raises
        ------
        ConfigError
            Naming every field that cannot be used.
        """
        problems: list[str] = []

        def number(name: str, low: float, high: float, scale: float = 1.0) -> float | None:
            text = getattr(self, name)
            if not text:
                return None
            value = _number(text)
            if value is None or not low <= value <= high:
                problems.append(PROBLEMS[name])
                return None
            return value / scale

        def whole(name: str, high: int, problem: str) -> int | None:
            value = number(name, 1e-9, LARGEST)
            if value is not None and not (value.is_integer() and value <= high):
                problems.append(PROBLEMS[problem])
                return None
            return None if value is None else int(value)

        kind = self.kind
        contacts = whole("budget", MOST_CONTACTS, "whole_budget") if kind == "contacts" else None
        amount = number("budget", 1e-9, LARGEST) if kind == "amount" else None
        values: dict[str, Any] = {
            "hold_out": number("hold_out", 1e-6, 50, 100),
            "cost_per_contact": number("cost_per_contact", 0, LARGEST),
            "margin_share": number("margin_share", 1e-6, 100, 100),
            "save_rate": number("save_rate", 1e-6, 100, 100),
        }
        days = whole("horizon_days", LONGEST_DAYS, "horizon_days")
        rounds = whole("rounds", MOST_ROUNDS, "rounds")
        most = whole("most_contacts", MOST_TIMES, "most_contacts")
        treatments = self._treatments(problems.append)
        if treatments and not self.rounds:
            problems.append(PROBLEMS["rounds"])
        starts_on = self._starts_on(problems.append)
        if not 0 < len(self.name) <= LONGEST_NAME or "\0" in self.name:
            problems.insert(0, PROBLEMS["name"])
        if problems:
            raise ConfigError(problems)
        try:
            return CampaignRequest(
                name=self.name,
                filter=_filter(self.customers.filter()),
                choose=next((choice for choice in CHOICES if choice == self.choose), "best"),
                contacts=contacts,
                amount=amount,
                starts_on=starts_on,
                horizon_days=days,
                roll_out_of=self.roll_out_of or None,
                seed=self.seed or None,
                channel=self.channel or None,
                treatments=treatments,
                rounds=rounds,
                most_contacts=most,
                **values,
            )
        except ValidationError as error:
            # what no field of the form can hold, in an address that somebody has changed
            raise ConfigError([problem["msg"] for problem in error.errors()]) from None

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters that `read` reads back, without those that say nothing."""
        own = [(field.name, getattr(self, field.name)) for field in fields(self)[1:]]
        return [*self.customers.parameters(), *((name, text) for name, text in own if text)]

    def link(self) -> str:
        """The form with what has been typed."""
        return address(f"/campaigns/new?{urlencode(self.parameters())}")

    def _treatments(self, complain: Callable[[str], None]) -> list[Treatment]:
        """`name = cost` of each, parted by semicolons."""
        treatments = []
        for text in filter(None, (part.strip() for part in self.treatments.split(";"))):
            name, _, cost = text.rpartition("=")
            value = _number(cost.strip())
            if not name.strip() or value is None or value < 0:
                complain(PROBLEMS["treatments"])
                return []
            treatments.append(Treatment(name=name.strip(), cost_per_contact=value))
        return treatments

    def _starts_on(self, complain: Callable[[str], None]) -> str | None:
        try:
            return day_within(self.starts_on).isoformat() if self.starts_on else None
        except ValueError:
            complain(PROBLEMS["starts_on"])
            return None


def _filter(chosen: ChurnFilter) -> CampaignFilter:
    return ListFilter.model_validate(
        {
            "risk": list(chosen.risk),
            "status": list(chosen.status),
            "rhythm": list(chosen.rhythm),
            "segment": [f"{system}:{value}" for system, value in chosen.segments],
            "min_value_at_risk": chosen.min_value_at_risk,
            "due_from": chosen.due_from,
            "due_until": chosen.due_until,
            "will_buy": list(chosen.will_buy),
            "consent": chosen.consent,
            "where": None if chosen.rule is None else text_of_rule(chosen.rule),
        }
    )


def _number(text: str) -> float | None:
    """The number that somebody typed; None where it is none or too large."""
    value = number_in(text)
    return value if abs(value) <= LARGEST else None
