"""Campaigns: who was chosen, who was left alone, and what came of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, NotRequired, Self, TypedDict

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
    update,
)

from serving.campaigns.plan import CampaignPlan
from serving.errors import CampaignConflict, NoRun, UnknownCampaign
from serving.store.database import one_writer, plain_rows, store_errors
from serving.store.likely_buyers import check_items
from serving.store.listing import conditions
from serving.store.protocol import ChurnFilter, as_json, check_segments
from serving.store.run import PublishedRun, RunInfo, Summary
from serving.store.tables import UNKNOWN, campaign_members, campaigns, current, runs, scores
from training.experiments.campaign_reading import CampaignReading, EffectLineFigures
from training.experiments.decisions.decision_reading import DecisionReading
from training.experiments.learner_names import LearnerName

CUSTOMERS_PER_QUERY = 500


@dataclass(frozen=True, kw_only=True)
class ListedCandidates:
    """Customers of the latest run by what campaigns choose, in columns; None where unknown.

    `rfm_cell` is None, too, where nobody chooses by it: it is slow to read.
    """

    customer_id: Sequence[str]
    value_at_risk: Sequence[float | None]
    expected_profit: Sequence[float | None]
    consent: Sequence[bool | None]
    rfm_cell: Sequence[str | None]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Self:
        """Of rows in the order of the columns."""
        names, at_risk, profits, consents, cells = zip(*rows, strict=True) if rows else ((),) * 5
        return cls(
            customer_id=names,
            value_at_risk=at_risk,
            expected_profit=profits,
            consent=[None if consent is None else bool(consent) for consent in consents],
            rfm_cell=cells,
        )

    def __len__(self) -> int:
        return len(self.customer_id)


class CandidateFigures(NamedTuple):
    """What is kept of a candidate who is chosen; None where unknown."""

    retention_risk: str | None
    churn_probability: float | None
    clv: float | None
    contact_hash: str | None
    rfm_group: str | None
    rfm_cell: str | None


class ListedContact(NamedTuple):
    """A customer of the latest run by whether and where they may be written to."""

    customer_id: str
    consent: bool | None
    contact_hash: str | None


@dataclass(frozen=True, kw_only=True)
class CampaignMember:
    """A customer of a campaign as chosen, and what came of it; None where not known (yet).

    `arm` is `treated`, `hold_out`, or an arm's own name where a campaign was made elsewhere.
    `clv`, `value_at_risk` and `usual_value` (spend per horizon) are what was expected on the
    first day; `orders`, `revenue`, `margin` and `visits` happened since.
    """

    customer_id: str
    arm: str
    stratum: str
    retention_risk: str | None = None
    rfm_group: str | None = None
    rfm_cell: str | None = None
    clv: float | None = None
    value_at_risk: float | None = None
    usual_value: float | None = None
    expected_profit: float | None = None
    contact_hash: str | None = None
    orders: int | None = None
    revenue: float | None = None
    margin: float | None = None
    visits: int | None = None


OutcomeName = Literal["orders", "revenue", "margin", "visits"]
MEMBER_FIELDS = tuple(field.name for field in fields(CampaignMember))
OUTCOMES: tuple[OutcomeName, ...] = ("orders", "revenue", "margin", "visits")


class MemberOutcome(TypedDict):
    """What a member did since the start, under `OUTCOMES`; None where not known."""

    customer_id: str
    orders: int | None
    revenue: float | None
    margin: float | None
    visits: int | None


class UpliftVerdict(TypedDict):
    """Whether members can be told apart by how they react: the Qini and its 90 % interval, the
    learner that ranks them best, and the line from its predictions to effects.
    """

    learner: NotRequired[LearnerName]
    qini: float
    low: float
    high: float
    members: int
    beats_random: bool
    line: NotRequired[EffectLineFigures]


class MeasuredCampaign(CampaignReading):
    """A campaign as last measured, ready for JSON; see `docs/campaigns.md`."""

    measured_until: str
    is_final: bool
    margin_share: float
    erased: Mapping[str, int]
    uplift: UpliftVerdict | None
    decision: DecisionReading | None


@dataclass(frozen=True, kw_only=True)
class CampaignRecord:
    """A campaign as it is kept.

    Attributes
    ----------
    starts_on, ends_on : orders of [starts_on, ends_on) count
    plan : what was asked for and proposed, ready for JSON
    cancelled_at : None while it is not
    results : as last measured, ready for JSON; None before the first score run since the start
    request_key : under which a caller asked for it, so that asking again makes no second one
    """

    campaign_id: str
    starts_on: date
    ends_on: date
    plan: CampaignPlan
    cancelled_at: datetime | None = None
    results: MeasuredCampaign | None = None
    request_key: str | None = None


class CampaignStore:
    """Where campaigns are kept, beside the score runs; members are listed in order of their ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def candidates(
        self,
        chosen_from: ChurnFilter,
        starts_on: date | None = None,
        days: int | None = None,
        *,
        with_cells: bool = False,
    ) -> tuple[PublishedRun, ListedCandidates, set[str]]:
        """The latest run, its customers that the filter lets through, in no order, and those
        who are in a campaign that is on during any of the `days` (None: the run's horizon) from
        `starts_on` (None: the run's date).

        Parameters
        ----------
        with_cells : whether `rfm_cell` is read

        Raises
        ------
        NoRun, ConfigError
            As `serving.store.protocol.Store`.
        """
        with store_errors(), self._engine.connect() as connection:
            run_no, run = _latest_run(connection, chosen_from)
            columns = (
                scores.c.customer_id,
                _or_null(scores.c.value_at_risk),
                _or_null(scores.c.expected_profit),
                scores.c.consent,
                _segment("rfm_cell", run.info) if with_cells else null(),
            )
            rows = connection.execute(
                select(*columns).where(*conditions(run_no, chosen_from, run.info))
            )
            candidates = ListedCandidates.of(plain_rows(rows))
            first_day = starts_on or run.info.as_of
            end = first_day + timedelta(days=days or run.info.horizon_days)
            busy = connection.execute(_busy(first_day, end)).scalars()
            return run, candidates, set(busy)

    def figures_of(self, run: RunInfo, customer_ids: Sequence[str]) -> dict[str, CandidateFigures]:
        """What a run says of some of its customers; who was erased since is not in the answer."""
        columns = (
            scores.c.retention_risk,
            _or_null(scores.c.churn_probability),
            _or_null(scores.c.clv),
            scores.c.contact_hash,
            _segment("rfm_group", run),
            _segment("rfm_cell", run),
        )
        run_no = select(runs.c.run_no).where(runs.c.run_id == run.run_id).scalar_subquery()
        of_run = select(scores.c.customer_id, *columns).where(scores.c.run_no == run_no)
        figures: dict[str, CandidateFigures] = {}
        with store_errors(), self._engine.connect() as connection:
            for start in range(0, len(customer_ids), CUSTOMERS_PER_QUERY):
                block = customer_ids[start : start + CUSTOMERS_PER_QUERY]
                rows = connection.execute(of_run.where(scores.c.customer_id.in_(block)))
                figures |= {
                    name: CandidateFigures._make(values) for name, *values in plain_rows(rows)
                }
        return figures

    def contacts(self, chosen_from: ChurnFilter) -> tuple[PublishedRun, list[ListedContact]]:
        """The latest run and its customers that the filter lets through, in no order.

        Raises
        ------
        NoRun, ConfigError
            As `candidates`.
        """
        with store_errors(), self._engine.connect() as connection:
            run_no, run = _latest_run(connection, chosen_from)
            columns = (scores.c[name] for name in ListedContact._fields)
            rows = connection.execute(
                select(*columns).where(*conditions(run_no, chosen_from, run.info))
            )
            return run, [ListedContact._make(row) for row in rows]

    def latest_day(self) -> date | None:
        """The date of the latest run; None before the first one."""
        latest = select(runs.c.info).join(current, current.c.run_no == runs.c.run_no)
        with store_errors(), self._engine.connect() as connection:
            info = connection.execute(latest).scalar_one_or_none()
        return None if info is None else RunInfo.from_json(info).as_of

    def add(self, campaign: CampaignRecord, members: Sequence[CampaignMember]) -> CampaignRecord:
        """Keep a new campaign, whole or not at all; that of the same `request_key` if there is
        one.

        Raises
        ------
        CampaignConflict
            When a member has meanwhile got into another campaign that runs then, or the key
            was used for another request (`plan["request"]`).
        """
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            if campaign.request_key is not None:
                same = campaigns.c.request_key == campaign.request_key
                earlier = connection.execute(select(campaigns).where(same)).one_or_none()
                if earlier is not None:
                    return check_same(_campaign(earlier), campaign)
            busy = set(connection.execute(_busy(campaign.starts_on, campaign.ends_on)).scalars())
            check_free(members, busy)
            _insert(connection, campaign, members)
        return campaign

    def put(self, campaign: CampaignRecord, members: Sequence[CampaignMember]) -> None:
        """Keep a campaign that was made elsewhere, in place of what was kept of it."""
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            _remove(connection, campaign.campaign_id)
            _insert(connection, campaign, members)

    def remove(self, campaign_id: str) -> None:
        """Keep nothing of a campaign any more; nothing happens where there is none."""
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            _remove(connection, campaign_id)

    def campaign(self, campaign_id: str) -> CampaignRecord:
        """Raises `UnknownCampaign`."""
        with store_errors(), self._engine.connect() as connection:
            by_id = select(campaigns).where(campaigns.c.campaign_id == campaign_id)
            row = None if "\0" in campaign_id else connection.execute(by_id).one_or_none()
        if row is None:
            raise UnknownCampaign
        return _campaign(row)

    def campaigns(self) -> list[CampaignRecord]:
        """All, the latest made first."""
        with store_errors(), self._engine.connect() as connection:
            latest = select(campaigns).order_by(campaigns.c.campaign_no.desc())
            return [_campaign(row) for row in connection.execute(latest)]

    def members(
        self,
        campaign_id: str,
        *,
        arm: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[CampaignMember]:
        """Members behind the id `after`, of one arm or all; raises `UnknownCampaign`."""
        self.campaign(campaign_id)
        table = campaign_members
        query = (
            select(*(table.c[name] for name in MEMBER_FIELDS))
            .where(table.c.campaign_no == _number(campaign_id).scalar_subquery())
            .order_by(table.c.customer_id)
            .limit(limit)
        )
        if arm is not None:
            query = query.where(table.c.arm == arm)
        if after is not None:
            query = query.where(table.c.customer_id > after)
        with store_errors(), self._engine.connect() as connection:
            return [
                CampaignMember(**dict(zip(MEMBER_FIELDS, row, strict=True)))
                for row in connection.execute(query)
            ]

    def cancel(self, campaign_id: str, at: datetime) -> CampaignRecord:
        """End it before its time; nothing where it is cancelled. Raises `UnknownCampaign`."""
        self.campaign(campaign_id)
        this = campaigns.c.campaign_id == campaign_id
        with store_errors(), self._engine.begin() as connection:
            connection.execute(
                update(campaigns)
                .where(this, campaigns.c.cancelled_at.is_(None))
                .values(cancelled_at=at.isoformat())
            )
        return self.campaign(campaign_id)

    def record(
        self, campaign_id: str, outcomes: Iterable[MemberOutcome], results: MeasuredCampaign
    ) -> None:
        """Write what members did since the start, and what follows from it, in one step.

        Parameters
        ----------
        outcomes : `customer_id` and `OUTCOMES`; of others nothing changes
        """
        self.campaign(campaign_id)
        table = campaign_members
        with store_errors(), self._engine.begin() as connection:
            one_writer(connection)
            number = connection.execute(_number(campaign_id)).scalar_one()
            happened = (
                update(table)
                .where(table.c.campaign_no == number, table.c.customer_id == bindparam("member"))
                .values({name: bindparam(f"new_{name}") for name in OUTCOMES})
            )
            rows = [
                {"member": outcome["customer_id"]}
                | {f"new_{name}": outcome[name] for name in OUTCOMES}
                for outcome in outcomes
            ]
            if rows:
                connection.execute(happened, rows)
            connection.execute(
                update(campaigns)
                .where(campaigns.c.campaign_no == number)
                .values(results=as_json(results))
            )


def check_same(campaign: CampaignRecord, repeated: CampaignRecord) -> CampaignRecord:
    """The campaign of a request key, if it was asked for in the same words."""
    if campaign.plan.get("request") != repeated.plan.get("request"):
        raise CampaignConflict("The key of the request was used for another campaign.")
    return campaign


def check_free(members: Sequence[CampaignMember], busy: set[str]) -> None:
    """Refuse members who are in another campaign."""
    taken = sum(member.customer_id in busy for member in members)
    if taken:
        raise CampaignConflict(
            f"{taken:,} of the chosen customers have got into another campaign. Ask again."
        )


def _number(campaign_id: str) -> Select[Any]:
    return select(campaigns.c.campaign_no).where(campaigns.c.campaign_id == campaign_id)


def _latest_run(connection: Connection, chosen_from: ChurnFilter) -> tuple[int, PublishedRun]:
    """The number of the latest run and the run, if a filter of it can be answered."""
    latest = select(runs).join(current, current.c.run_no == runs.c.run_no)
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
    run = PublishedRun(info=RunInfo.from_json(row.info), summary=Summary.from_json(row.summary))
    check_segments(run.info, chosen_from)
    check_items(connection, row.run_no, chosen_from.will_buy)
    return row.run_no, run


def _or_null(column: ColumnElement[float]) -> ColumnElement[float]:
    return func.nullif(column, UNKNOWN, type_=Float)


def _segment(system: str, run: RunInfo) -> ColumnElement[Any]:
    return scores.c.segments[system].as_string() if system in run.segment_columns else null()


def _busy(starts_on: date, ends_on: date) -> Select[Any]:
    """Who is in a campaign that is on at some time of these days."""
    of_campaign = campaign_members.c.campaign_no == campaigns.c.campaign_no
    return (
        select(campaign_members.c.customer_id)
        .join(campaigns, of_campaign)
        .where(
            and_(
                campaigns.c.cancelled_at.is_(None),
                campaigns.c.ends_on > starts_on.isoformat(),
                campaigns.c.starts_on < ends_on.isoformat(),
            )
        )
    )


def _remove(connection: Connection, campaign_id: str) -> None:
    number = connection.execute(_number(campaign_id)).scalar()
    for table in (campaign_members, campaigns):
        connection.execute(delete(table).where(table.c.campaign_no == number))


def _insert(
    connection: Connection, campaign: CampaignRecord, members: Sequence[CampaignMember]
) -> None:
    values = {
        **{name: getattr(campaign, name) for name in ("campaign_id", "request_key")},
        "starts_on": campaign.starts_on.isoformat(),
        "ends_on": campaign.ends_on.isoformat(),
        "cancelled_at": campaign.cancelled_at and campaign.cancelled_at.isoformat(),
        "plan": as_json(campaign.plan),
        "results": None if campaign.results is None else as_json(campaign.results),
    }
    added = connection.execute(insert(campaigns).values(values))
    (number,) = added.inserted_primary_key or (0,)
    rows = [{"campaign_no": number, **asdict(member)} for member in members]
    if rows:
        connection.execute(insert(campaign_members), rows)


def _campaign(row: Any) -> CampaignRecord:
    return CampaignRecord(
        campaign_id=row.campaign_id,
        starts_on=date.fromisoformat(row.starts_on),
        ends_on=date.fromisoformat(row.ends_on),
        plan=json.loads(row.plan),
        cancelled_at=row.cancelled_at and datetime.fromisoformat(row.cancelled_at),
        results=None if row.results is None else json.loads(row.results),
        request_key=row.request_key,
    )
