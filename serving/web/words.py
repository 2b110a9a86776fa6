"""What codes, figures and dates are called on the pages, in the reader's language."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from features.language.dates import DAY, MONTH, date_writer
from features.language.languages import SOURCE, Language, translations
from features.language.message import mark, message_in
from serving.store.run import MoneyFormat, RunInfo

RISKS = {
    "critical": mark("Critical"),
    "high": mark("High"),
    "medium": mark("Medium"),
    "low": mark("Low"),
}

STATUSES = {
    "scored": mark("Scored"),
    "one_order": mark("One order so far"),
    "too_new": mark("Too new to tell"),
    "already_lapsed": mark("Already lapsed"),
}

RHYTHMS = {"on_time": mark("On time"), "late": mark("Late"), "overdue": mark("Overdue")}

PACES = {"own": mark("Own pace"), "comparable": mark("Pace of comparable customers")}

CONSENTS = {
    "yes": mark("May be contacted"),
    "no": mark("May not be contacted"),
    "unknown": mark("Not known"),
}

ACTIONS = {
    "no_contact": mark("Do not contact"),
    "leave": mark("Leave alone: a contact costs more than it brings"),
    "personal_call": mark("Phone call"),
    "win_back_offer": mark("Win-back offer"),
    "personal_message": mark("Personal message"),
    "reminder": mark("Reminder"),
    "thank_you": mark("Thank you"),
    "newsletter": mark("Newsletter"),
}

TRENDS = {"up": mark("risk has risen"), "down": mark("risk has fallen"), "same": mark("as before")}

ARMS = {"treated": mark("Contacted"), "hold_out": mark("Held out")}

MEASURES = {
    "profit": mark("Profit"),
    "revenue": mark("Revenue"),
    "orders": mark("Number of orders"),
    "ordered": mark("Share who ordered"),
    "visited": mark("Share who visited"),
}

SOURCES = {
    "request": mark("as asked for"),
    "setting": mark("assumed in the configuration"),
    "costs": mark("from the costs of the orders"),
    "measured": mark("measured in earlier campaigns"),
    "mean_order": mark("mean order × margin"),
    "uplift_model": mark("from the model of who can be persuaded"),
}

SORTS = {
    "value_at_risk": mark("Value at risk"),
    "expected_profit": mark("Expected profit"),
    "churn_probability": mark("Risk"),
    "clv": mark("Customer value"),
    "rhythm": mark("Silence"),
    "next_order_date": mark("Next order"),
}

SYSTEMS = {
    "rfm_cell": mark("RFM cell"),
    "rfm_group": mark("RFM group"),
    "rfm_class": mark("Four classes of RFM"),
    "abc": mark("ABC class"),
    "pyramid": mark("Customer pyramid"),
    "two_tier": mark("Top 20 % and the others"),
    "pyramid_clv": mark("Pyramid by predicted value"),
    "two_tier_clv": mark("Top 20 % and the others, by predicted value"),
    "lifecycle": mark("Lifecycle"),
    "value_level": mark("Value"),
    "potential_level": mark("Potential"),
    "loyalty_level": mark("Loyalty"),
    "management_score": mark("Management score"),
    "management_class": mark("Management class"),
    "growth_share": mark("Growth and share"),
    "cluster": mark("Cluster"),
    "likely_category": mark("Next category (most likely)"),
    "funnel_stage": mark("Funnel stage"),
    "rfm_own_cell": mark("Own RFM cell"),
    "rfm_score": mark("RFM score"),
    "rfm_label": mark("Own RFM class"),
    "risk_move": mark("Risk since the last run"),
    "satisfaction_class": mark("Satisfaction"),
    "complaint_class": mark("Complaints"),
    "satisfaction_index": mark("Satisfaction index"),
    "loyalty_index": mark("Loyalty index"),
    "profit_index": mark("Profit contribution index"),
    "lifetime_index": mark("Lifetime value index"),
    "relationship": mark("Relation that suits"),
}

VALUES = {
    "important_value": mark("Champions (important value)"),
    "important_keep": mark("Can't lose (important keep)"),
    "important_develop": mark("Promising big spenders (important develop)"),
    "important_win_back": mark("Big spenders leaving (important win-back)"),
    "general_value": mark("Loyal (general value)"),
    "general_keep": mark("About to sleep (general keep)"),
    "general_develop": mark("New and promising (general develop)"),
    "general_win_back": mark("Lost (general win-back)"),
    "platinum": mark("Platinum"),
    "gold": mark("Gold"),
    "iron": mark("Iron"),
    "lead": mark("Bronze (lead)"),
    "top": mark("Top 20 %"),
    "base": mark("The others"),
    "exploration": mark("Exploration"),
    "growth": mark("Growth"),
    "stable": mark("Stable"),
    "decline": mark("Decline"),
    "lost": mark("Lost"),
    "reactivated": mark("Reactivated"),
    "low": mark("Low"),
    "middle": mark("Middle"),
    "high": mark("High"),
    "vip": mark("VIP"),
    "regular": mark("Regular"),
    "potential": mark("Potential"),
    "star": mark("Star"),
    "cash_cow": mark("Cash cow"),
    "question_mark": mark("Question mark"),
    "dog": mark("Dog"),
}

MODELS = {
    "churn": mark("Churn"),
    "value": mark("Value"),
    "next_purchase": mark("Next purchase"),
    "recommendation": mark("Recommendation"),
}

BASELINES = {
    "inactivity rule": mark("inactivity rule"),
    "tenure rule": mark("tenure rule"),
    "RFM average": mark("RFM average"),
    "last order + usual gap": mark("last order + usual gap"),
    "own frequency": mark("own frequency"),
    "popularity": mark("popularity"),
    "past buyers": mark("past buyers"),
    "model": mark("model"),
}
"""What models stand beside, by their titles."""

KINDS = {"repeat": mark("Buys again"), "new": mark("New to them")}

CLV_BASES = {"revenue": mark("revenue (costs are not counted)"), "margin": mark("margin")}

RISK_EFFECTS = ("raises_risk", "lowers_risk")
"""Effects of reasons about the risk; the others are about the value."""

NOTHING = "–"

DAYS_OF_PACE = 365
"""A usual pace is that of the last year."""

WHY = {
    "popular": mark("Popular in this shop"),
    "customers_like_you": mark("Bought next by similar customers"),
    "not_sold_yet": mark("New in this shop"),
}

_SHORT_UNITS = message_in("units of short amounts, the largest first", "1000000 M, 1000 k")

_BETWEEN_PARTS = message_in("between the parts of a list", ", ")

Money = Callable[[float | None], str]


class Words:
    """One language's words, figures and dates.

    What is None is written as a dash; a code without a name, in a readable form.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = translations(language)

    def say(self, message: str, /, **values: Any) -> str:
        """A message of the sources, its `%(name)s` filled in."""
        text = self._texts.gettext(message)
        return text % values if values else text

    def say_many(self, singular: str, many: str, number: float, /, **values: Any) -> str:
        """`singular` or `many`, by `number`, which fills in `%(number)s`."""
        text = self._texts.ngettext(singular, many, 1 if number == 1 else 2)
        return text % {"number": self.whole(number), **values}

    def both(self, texts: Mapping[str, str]) -> str:
        """The reader's of a text that was made elsewhere, by language; English where it lacks theirs."""
        return texts.get(self.language) or texts[SOURCE]

    def called(self, code: str | None, names: Mapping[str, str]) -> str:
        """The name of `code`."""
        if not code:
            return NOTHING
        return self.say(names[code]) if code in names else _readable(code)

    def risk(self, code: str | None) -> str:
        return self.called(code, RISKS)

    def status(self, code: str | None) -> str:
        return self.called(code, STATUSES)

    def rhythm(self, code: str | None) -> str:
        """How long a silence is beside usual gaps."""
        return self.called(code, RHYTHMS)

    def consent(self, code: str) -> str:
        """Whether somebody may be contacted, as lists filter by it."""
        return self.called(code, CONSENTS)

    def action(self, code: str | None, info: RunInfo | None = None) -> str:
        """What to do with a customer, as the shop calls it where its settings do."""
        own = info.economics.get("action_names", {}).get(code or "", {}) if info else {}
        return own.get(self.language) or own.get(SOURCE) or self.called(code, ACTIONS)

    def trend(self, code: str) -> str:
        """How the risk has moved since the last run."""
        return self.called(code, TRENDS)

    def arm(self, code: str) -> str:
        """An arm of a campaign; those made elsewhere have names of their own."""
        return self.say(ARMS[code]) if code in ARMS else code

    def measure(self, code: str) -> str:
        """What a campaign is measured by."""
        return self.called(code, MEASURES)

    def source(self, code: str) -> str:
        """Where an assumption comes from."""
        return self.called(code, SOURCES)

    def points(self, part: float) -> str:
        """A difference of shares, in percent points."""
        return self.say("%(number)s points", number=self.signed(100 * part, ".2f"))

    def sort(self, code: str) -> str:
        """What a list is sorted by."""
        return self.called(code, SORTS)

    def kind(self, code: str) -> str:
        """Of a recommended product."""
        return self.called(code, KINDS)

    def clv_basis(self, code: str) -> str:
        return self.called(code, CLV_BASES)

    def model(self, name: str) -> str:
        return self.called(name.removeprefix("regulars-").replace("-", "_"), MODELS)

    def baseline(self, title: str) -> str:
        return self.called(title, BASELINES)

    def system(self, code: str, info: RunInfo | None = None) -> str:
        """A segment system; one without a line in `SYSTEMS` is called by the title of its rule."""
        rule = info.segment_rules.get(code) if info and code not in SYSTEMS else None
        return self.both(rule["title"]) if rule else self.called(code, SYSTEMS)

    def value(self, code: str | None, info: RunInfo | None = None, system: str = "") -> str:
        """A segment's value; codes written in capitals or digits stay as they are.

        The run may carry names of its own for the groups of `system`, such as clusters have.
        """
        if code is None:
            return NOTHING
        if system == "likely_category":
            return code
        rule = info.segment_rules.get(system) if info else None
        named = rule["groups"] if rule and "groups" in rule else {}
        if code not in VALUES and code in named:
            name = self.both(named[code])
            return name[:1].upper() + name[1:]
        return self.called(code, VALUES) if code.islower() else code

    def day(self, moment: date | str | None) -> str:
        """A date, such as '1 Mar 2026'."""
        if moment is None:
            return NOTHING
        moment = date.fromisoformat(moment) if isinstance(moment, str) else moment
        return date_writer(DAY, self.language)(moment)

    def span(self, low: str, high: str) -> str:
        """From one written value to another."""
        return self.say("%(low)s to %(high)s", low=low, high=high)

    def percent(self, probability: float | None) -> str:
        """A probability in whole percent, without claiming certainty."""
        if probability is None:
            return NOTHING
        if 0 < probability < 0.01:
            return "<1%"
        if 0.99 < probability < 1:
            return ">99%"
        return f"{probability:.0%}"

    def share(self, part: float | None, digits: int = 1) -> str:
        """A share in percent, as exact as asked for."""
        return NOTHING if part is None else true_minus(f"{part:.{digits}%}")

    def is_without_pace(self, value_at_risk: float | None, silence: float | None) -> bool:
        """Whether nothing is at risk because no order lies in the year that a usual pace is from."""
        return value_at_risk == 0 and silence is not None and silence > DAYS_OF_PACE

    def above(self, percentile: float) -> str:
        """A place among all customers; nobody is above everybody, themselves included."""
        share = min(int(100 * percentile), 99)
        return self.say("higher than %(share)s%% of customers", share=share)

    def days(self, number: float | None) -> str:
        if number is None:
            return NOTHING
        return self.say_many("1 day", "%(number)s days", round(number))

    def ago(self, number: float | None) -> str:
        if number is None:
            return NOTHING
        if round(number) == 0:
            return self.say("today")
        return self.say_many("1 day ago", "%(number)s days ago", round(number))

    def whole(self, number: float | None) -> str:
        """A whole number."""
        return NOTHING if number is None else true_minus(f"{number:,.0f}")

    def figure(self, number: float | None, digits: int = 1) -> str:
        return NOTHING if number is None else true_minus(f"{number:,.{digits}f}")

    def signed(self, number: float | None, form: str) -> str:
        """A difference with its sign, written as `form` says, such as '.1%'; 0 has none."""
        return NOTHING if number is None else true_minus(f"{number:+{form}}")

    def less(self, number: int) -> str:
        """A whole number that is taken off."""
        return f"−{number:,}" if number else "0"

    def change(self, number: float) -> str:
        """A difference of counts, with its sign."""
        if round(number) == 0:
            return self.say("no change")
        return f"{'+' if number > 0 else '−'}{abs(number):,.0f}"

    def change_percent(self, after: float, before: float) -> str:
        """By how many percent a figure has grown."""
        if before == 0 or round(100 * (after / before - 1)) == 0:
            return self.say("no change")
        return f"{'+' if after > before else '−'}{abs(after / before - 1):.0%}"

    def customers(self, number: int) -> str:
        return self.say_many("1 customer", "%(number)s customers", number)

    def listed(self, parts: Sequence[str]) -> str:
        """Several things in a row, such as '2 without consent, 1 erased'."""
        return _BETWEEN_PARTS.into(self.language).join(parts)

    def amounts(self, info: RunInfo, form: MoneyFormat) -> MoneyFormat:
        """How amounts of a run are written; `form` is how they are written in English."""
        return self._written(info, form)

    def money(self, info: RunInfo, form: MoneyFormat) -> Money:
        """What writes amounts of a run; `form` is how they are written in English."""
        written = self._written(info, form)
        return lambda amount: NOTHING if amount is None else written.write(amount)

    def short_money(self, info: RunInfo, form: MoneyFormat) -> Money:
        """Amounts for the scale of a picture, such as '£1.5M' or '£150万'."""
        exact = MoneyFormat(prefix=self._written(info, form).prefix, digits=1).write
        units = [*_units(self.language), (1, "")]

        def write(amount: float | None) -> str:
            if amount is None:
                return NOTHING
            size, sign = next((unit for unit in units if abs(amount) >= unit[0]), units[-1])
            return exact(amount / size).removesuffix(".0") + sign

        return write

    def round_money(self, info: RunInfo, form: MoneyFormat) -> Money:
        """The same without what stands behind the point."""
        rounded = MoneyFormat(prefix=self._written(info, form).prefix, digits=0)
        return lambda amount: NOTHING if amount is None else rounded.write(amount)

    def round_span(self, info: RunInfo, form: MoneyFormat) -> Callable[[float, float], str]:
        """An interval of amounts without what stands behind the point, rounded outwards."""
        rounded = MoneyFormat(prefix=self._written(info, form).prefix, digits=0)
        return lambda low, high: self.span(rounded.write_low(low), rounded.write_high(high))

    def _written(self, info: RunInfo, form: MoneyFormat) -> MoneyFormat:
        return form if self.language == SOURCE else _money_format(info.currency, self.language)

    def month(self, text: str) -> str:
        """A month such as '2026-03'."""
        return date_writer(MONTH, self.language)(date.fromisoformat(f"{text}-01"))

    def outcome(self, outcome: Mapping[str, Any], money: Money) -> str:
        """What happened in the horizon of a run, as `serving.customers.history` tells it."""
        match outcome:
            case {"ordered": True, "orders": int(orders), "spend": spend}:
                return self.say_many(
                    "1 order, %(amount)s",
                    "%(number)s orders, %(amount)s",
                    orders,
                    amount=money(spend),
                )
            case {"ordered": True}:
                return self.say("ordered")
            case {"ordered": False}:
                return self.say("no order")
            case {"reason": "horizon_not_over", "known_on": day}:
                return self.say("outcome known on %(day)s", day=self.day(day))
            case _:
                return self.say("not known")

    def why(self, reason: Mapping[str, Any]) -> str:
        """Why a product is recommended."""
        match reason:
            case {"code": "every_n_days", "days": every, "last_days_ago": last}:
                return self.say(
                    "Bought every %(every)s, last %(ago)s",
                    every=self.days(every),
                    ago=self.ago(last),
                )
            case {"code": "bought_before", "times": times, "last_days_ago": last}:
                return self.say_many(
                    "Bought once, %(ago)s",
                    "Bought %(number)s times, last %(ago)s",
                    times,
                    ago=self.ago(last),
                )
            case {"code": "bought_with", "product_id": product_id}:
                name = reason.get("product_name") or product_id
                return self.say("Often bought with %(product)s", product=name)
            case {"code": "popular_in_segment", "segment": group}:
                return self.say("Popular among customers of %(group)s", group=group)
            case _:
                return self._why_of_interest(reason)

    def _why_of_interest(self, reason: Mapping[str, Any]) -> str:
        """Why a product is recommended that somebody looked at or left in the cart; or plainly why."""
        match reason:
            case {"code": "left_in_cart", "on": day}:
                return self.say("Left in the cart on %(day)s", day=self.day(day))
            case {"code": "looked_at", "on": day}:
                return self.say("Looked at it on %(day)s", day=self.day(day))
            case {"code": "looked_at_category", "category": category, "on": day}:
                return self.say(
                    "Looked at %(category)s on %(day)s", category=category, day=self.day(day)
                )
            case {"code": str(code)}:
                return self.called(code, WHY)
            case _:
                return NOTHING


def true_minus(figure: str) -> str:
    """A figure that Python has written, with the minus of print, and no sign before zero.

    >>> true_minus("-0.04"), true_minus("-0.0%"), true_minus("+0")
    ('−0.04', '0.0%', '0')
    """
    if not figure.strip("+-0.,%"):
        return figure.lstrip("+-")
    return figure.replace("-", "−")


def _readable(code: str) -> str:
    return code.replace("_", " ").strip().capitalize() or NOTHING


@cache
def _units(language: Language) -> tuple[tuple[float, str], ...]:
    """By what short amounts are divided, and the sign that stands for it."""
    units = (unit.split() for unit in _SHORT_UNITS.into(language).split(","))
    return tuple((float(size), sign) for size, sign in units)


@cache
def _money_format(currency: str, language: Language) -> MoneyFormat:
    # The locale data of a currency takes memory, which English readers do without.
    from serving.store.money import money_format

    return money_format(currency, language)
