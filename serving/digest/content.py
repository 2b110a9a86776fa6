"""What the digest tells: the groups of the first page, without those who may not be contacted."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from features.language.languages import Language
from features.language.message import mark
from serving.campaigns.service import CampaignService
from serving.churn_list import lists
from serving.contacts.left_out import contactable
from serving.overview.today import SHOWN, TodayGroup, groups_of_today, open_campaigns
from serving.store.facets import FacetStore
from serving.store.protocol import ScoreReader
from serving.store.run import PublishedRun
from serving.web.paths import path_part
from serving.web.words import RISK_EFFECTS, Words

NOBODY = mark(
    "Nobody needs attention: no customer is at high risk, and none is expected to order soon."
)


@dataclass(frozen=True, kw_only=True)
class DigestLine:
    """A customer or a campaign: its name, what stands beside it, and why."""

    name: str
    figure: str
    why: str
    link: str | None


@dataclass(frozen=True, kw_only=True)
class DigestGroup:
    """People to look at, or campaigns: `more` says who is left out, `link` leads to all."""

    title: str
    summary: str
    lines: Sequence[DigestLine]
    more: str
    link: str | None
    link_text: str


@dataclass(frozen=True, kw_only=True)
class Digest:
    """A digest in one language, ready to be written as text or HTML."""

    language: Language
    title: str
    scored: str
    groups: Sequence[DigestGroup]
    nothing: str
    end: str
    link: str | None


class DigestWriter:
    """Reads what to do from the latest run.

    Parameters
    ----------
    language : of the reader
    address : of the shop's pages, such as https://regulars.example.org; None: no links
    """

    def __init__(
        self,
        scores: ScoreReader,
        facets: FacetStore,
        campaigns: CampaignService,
        *,
        language: Language,
        address: str | None,
    ) -> None:
        self._scores = scores
        self._facets = facets
        self._campaigns = campaigns
        self._words = Words(language)
        self._address = address.rstrip("/") if address else None

    def digest(self) -> Digest:
        """The digest of the latest run.

        Raises
        ------
        NoRun
            When nothing has been scored.
        """
        run, say = self._scores.latest_run(), self._words.say
        current = self._facets.current(run.info.run_id)
        groups = [
            group
            for of_today in groups_of_today(self._scores, current, run)
            if (group := self._group(of_today, run)) is not None
        ]
        if campaigns := list(self._campaign_lines()):
            title = say("Campaigns running and planned")
            link = self._link("/campaigns")
            groups.append(
                DigestGroup(
                    title=title, summary="", lines=campaigns, more="", link=link, link_text=title
                )
            )
        return Digest(
            language=self._words.language,
            title=say(mark("Your customers this week")),
            scored=say(mark("Scores from %(day)s"), day=self._words.day(run.info.as_of)),
            groups=groups,
            nothing="" if groups else say(NOBODY),
            end=say(mark("Customers who may not be contacted are not in this message.")),
            link=self._link("/"),
        )

    def _group(self, group: TodayGroup, run: PublishedRun) -> DigestGroup | None:
        """Those of a group who may be contacted; None where nobody is left."""
        form, words = group.form, self._words
        allowed = contactable(self._scores, form.filter(), sort=form.sort, limit=SHOWN)
        totals = allowed.first.totals
        if not totals.customers:
            return None
        money = words.money(run.info, run.summary.money)
        round_money = words.round_money(run.info, run.summary.money)
        summary = words.customers(totals.customers)
        if group.kind in {"slipped", "at_risk"}:
            amount = round_money(totals.value_at_risk)
            summary = words.say(
                mark("%(customers)s, %(amount)s at risk"), customers=summary, amount=amount
            )
        rows = (lists.item_of(json.loads(document)) for document in allowed.first.documents)
        return DigestGroup(
            title=self._title(group),
            summary=summary,
            lines=[
                DigestLine(
                    name=str(row["name"] or row["customer_id"]),
                    figure=self._figure(group, row, money),
                    why=self._why(row),
                    link=self._link(f"/customers/{path_part(row['customer_id'])}"),
                )
                for row in rows
            ],
            more=allowed.left_out.sentence(words.language),
            link=self._address and f"{self._address}{form.link()}",
            link_text=words.say(
                "See the list of %(customers)s", customers=words.customers(group.totals.customers)
            ),
        )

    def _title(self, group: TodayGroup) -> str:
        say = self._words.say
        if group.kind == "due":
            return say("Next order expected within %(days)s", days=self._words.days(group.days))
        return {
            "slipped": say("Slipped since the last run"),
            "at_risk": say("Likely not to come back"),
            "returned": say("Risk has fallen since the last run"),
        }[group.kind]

    def _figure(self, group: TodayGroup, row: dict[str, Any], money: Any) -> str:
        if group.kind == "due":
            return self._words.day(row["next_order_date"])
        return str(money(row["clv"] if group.kind == "returned" else row["value_at_risk"]))

    def _why(self, row: dict[str, Any]) -> str:
        texts = (
            self._words.both(reason["text"])
            for reason in row["reasons"]
            if reason["effect"] in RISK_EFFECTS
        )
        return next(texts, "")

    def _campaign_lines(self) -> Iterator[DigestLine]:
        for campaign in open_campaigns(self._campaigns):
            is_planned = campaign["status"] == "planned"
            day = self._words.day(campaign["starts_on" if is_planned else "ends_on"])
            yield DigestLine(
                name=campaign["name"],
                figure=self._words.say("from %(day)s", day=day)
                if is_planned
                else self._words.say("until %(day)s", day=day),
                why="",
                link=self._link(f"/campaigns/{path_part(campaign['campaign_id'])}"),
            )

    def _link(self, path: str) -> str | None:
        return self._address and f"{self._address}{path}"
