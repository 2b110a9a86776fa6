"""Campaigns as the API, the pages and the command line use them."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import TypedDict, cast

from features.errors import ConfigError
from serving.campaigns.audience import Refusals
from serving.campaigns.plan import CampaignPlan, CampaignStatus, CampaignView
from serving.campaigns.proposal import CampaignProposal, propose
from serving.campaigns.request import CampaignRequest
from serving.campaigns.store import CampaignMember, CampaignRecord, CampaignStore, MeasuredCampaign
from serving.campaigns.telling import (
    CampaignHeadline,
    PooledCampaigns,
    SaveRateTold,
    headline_of,
    pooled,
    save_rate_told,
)
from serving.store.run import RunInfo

ID_BYTES = 6
MEMBERS_PER_READ = 5_000
KEPT_ALONE = {"request", "costs"}
"""Of a plan that is kept: what is not answered. Costs of an arm stand in its results."""


class CampaignResults(TypedDict):
    """What came of a campaign; `measured` is None before the first score run after its start.

    `headline` is what may be told first, `save_rate_told` how the share that was saved may be.
    """

    campaign_id: str
    status: CampaignStatus
    currency: str
    headline: CampaignHeadline
    save_rate_told: SaveRateTold | None
    measured: MeasuredCampaign | None


class CampaignService:
    """Plans, makes and reads campaigns.

    Everything that is answered is ready for JSON but `CampaignProposal.members` and `CampaignMember`s. Money is
    in units of the currency; days are those of the orders, not of the clock: a campaign runs
    from `starts_on` until the score runs have reached `ends_on`, and is planned until the date of
    the latest scores is `starts_on`.

    Parameters
    ----------
    store : where they are kept
    clock : the present moment with its time zone
    """

    def __init__(self, store: CampaignStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def propose(self, request: CampaignRequest) -> CampaignProposal:
        """Who would be chosen and what that would earn; nothing is kept.

        A request without a seed gets one made of the run and the request: asked again, the
        hold-out is the same. To keep it over a new run, ask with `CampaignProposal.seed`.

        Raises
        ------
        ConfigError
            Naming everything that does not fit, or when nobody is left to choose.
        NoRun
            Before the first score run.
        UnknownCampaign
            When `roll_out_of` is none.
        """
        first_day = request.first_day
        cells = None if request.roll_out_of is None else self._good_cells(request.roll_out_of)
        run, listed, busy = self._store.candidates(
            request.chosen_from,
            first_day,
            request.horizon_days,
            with_cells=request.choose == "every_nth" or cells is not None,
        )
        if request.roll_out_of is not None:
            busy |= {member.customer_id for member in self._store.members(request.roll_out_of)}
        costs = self.channel_costs(run.info)
        if request.cost_per_contact is None and request.channel in costs:
            request = request.model_copy(update={"cost_per_contact": costs[request.channel]})
        return propose(
            request,
            run,
            listed,
            busy,
            partial(self._store.figures_of, run.info),
            cells=cells,
        )

    def channel_costs(self, run: RunInfo) -> dict[str, float]:
        """Channel → cost of a contact: of the latest campaign by it, or as the settings say."""
        costs = dict(run.economics.get("channel_costs", {}))
        for campaign in reversed(self._store.campaigns()):
            channel = campaign.plan.get("request", {}).get("channel")
            if channel and (assumed := campaign.plan["assumptions"]) is not None:
                costs[channel] = assumed["cost_per_contact"]
        return costs

    def create(
        self,
        request: CampaignRequest,
        *,
        created_by: str,
        key: str | None = None,
        note: Callable[[int, str], None] = lambda _count, _detail: None,
    ) -> CampaignView:
        """Propose and keep: the hold-out is drawn once, recorded, and never drawn again.

        Parameters
        ----------
        created_by : a key's id or `command`, for the record
        key : the caller's name of this request; the same key again returns the same campaign
        note : told how many are chosen and the new id just before it is kept, for the audit log

        Returns
        -------
        As `campaign`.

        Raises
        ------
        ConfigError, NoRun, UnknownCampaign
            As `propose`.
        CampaignConflict
            When the key was used for another request, or somebody chosen has got into another
            campaign meanwhile.
        """
        if key is not None and (earlier := self._of_request(request, key)) is not None:
            return self.view(earlier)
        proposal = self.propose(request)
        campaign_id = f"c-{secrets.token_hex(ID_BYTES)}"
        planned = proposal.to_dict()
        if "decision" in planned:
            planned["decision"] = {**planned["decision"], "decision_id": campaign_id}
        campaign = CampaignRecord(
            campaign_id=campaign_id,
            starts_on=proposal.starts_on,
            ends_on=proposal.ends_on,
            plan={
                **planned,
                "created_at": self._clock().isoformat(),
                "created_by": created_by,
                "request": request.to_dict(),
            },
            request_key=key,
        )
        note(len(proposal.members), campaign.campaign_id)
        return self.view(self._store.add(campaign, proposal.members))

    def campaigns(self) -> list[CampaignView]:
        """All campaigns as `campaign`, the latest made first."""
        scored_on = self._store.latest_day()
        return [self._view(campaign, scored_on) for campaign in self._store.campaigns()]

    def campaign(self, campaign_id: str) -> CampaignView:
        """`campaign_id`, `status`, `cancelled_at`, `measured_until`, and the plan: what
        `CampaignProposal.to_dict` says, `created_at`, `created_by`.

        Raises `UnknownCampaign`.
        """
        return self.view(self._store.campaign(campaign_id))

    def members(
        self,
        campaign_id: str,
        *,
        arm: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[CampaignMember]:
        """Members behind the id `after` in the order of ids, of one arm or all.

        `arm="treated"` is the contact file. Raises `UnknownCampaign`.
        """
        return self._store.members(campaign_id, arm=arm, limit=limit, after=after)

    def all_members(
        self, campaign_id: str, *, arm: str | None = None
    ) -> Iterator[list[CampaignMember]]:
        """The same in blocks, for files."""
        after: str | None = None
        while True:
            block = self.members(campaign_id, arm=arm, limit=MEMBERS_PER_READ, after=after)
            if block or after is None:
                yield block
            if len(block) < MEMBERS_PER_READ:
                return
            after = block[-1].customer_id

    def unrefused_members(self, campaign_id: str, *, arm: str) -> list[CampaignMember]:
        """Those of an arm whom a file for contact may hold: nobody has refused since the draw."""
        refusals = Refusals.of(self._store)
        return [
            member
            for block in self.all_members(campaign_id, arm=arm)
            for member in block
            if not refusals.hold(member.customer_id, member.contact_hash)
        ]

    def results(self, campaign_id: str) -> CampaignResults:
        """What came of it, as the latest score run measured; see `docs/campaigns.md`.

        `campaign_id`, `status`, `measured` (null before the first score run after the start):
        `measured_until`, `is_final`, `arms`, `effects`, `segments`, `cells`, `erased`.

        Raises `UnknownCampaign`.
        """
        return self._results(self._store.campaign(campaign_id), self._store.latest_day())

    def with_results(self) -> list[tuple[CampaignView, CampaignResults]]:
        """All campaigns and what came of each, the latest made first."""
        scored_on = self._store.latest_day()
        return [
            (self._view(campaign, scored_on), self._results(campaign, scored_on))
            for campaign in self._store.campaigns()
        ]

    @staticmethod
    def _results(campaign: CampaignRecord, scored_on: date | None) -> CampaignResults:
        return {
            "campaign_id": campaign.campaign_id,
            "status": status_of(campaign, scored_on),
            "currency": campaign.plan["currency"],
            "headline": headline_of(campaign.results),
            "save_rate_told": save_rate_told(campaign.results),
            "measured": campaign.results,
        }

    def pooled(self) -> list[PooledCampaigns]:
        """What the ended campaigns say together; see `serving.campaigns.telling.pooled`."""
        return pooled(
            campaign for campaign in self._store.campaigns() if status_of(campaign) == "ended"
        )

    def cancel(self, campaign_id: str) -> CampaignView:
        """End it before its time: its members may be chosen again, and it is measured no more.

        Raises
        ------
        ConfigError
            When it was made elsewhere.
        UnknownCampaign
        """
        if self._store.campaign(campaign_id).plan["origin"] != "regulars":
            raise ConfigError("A campaign that was made elsewhere is cancelled there.")
        return self.view(self._store.cancel(campaign_id, self._clock()))

    def view(self, campaign: CampaignRecord) -> CampaignView:
        """See `campaign`."""
        return self._view(campaign, self._store.latest_day())

    def _view(self, campaign: CampaignRecord, scored_on: date | None) -> CampaignView:
        plan = {name: value for name, value in campaign.plan.items() if name not in KEPT_ALONE}
        answer = {
            "campaign_id": campaign.campaign_id,
            "status": status_of(campaign, scored_on),
            "cancelled_at": campaign.cancelled_at and campaign.cancelled_at.isoformat(),
            "measured_until": campaign.results and campaign.results["measured_until"],
            **plan,
        }
        return cast("CampaignView", answer)

    def _of_request(self, request: CampaignRequest, key: str) -> CampaignRecord | None:
        for campaign in self._store.campaigns():
            if campaign.request_key == key:
                plan: CampaignPlan = {**campaign.plan, "request": request.to_dict()}
                return self._store.add(replace(campaign, plan=plan), ())
        return None

    def _good_cells(self, campaign_id: str) -> set[str]:
        results = self._store.campaign(campaign_id).results
        cells = results["cells"] if results else []
        if not cells:
            raise ConfigError("roll_out_of: nothing has been measured of its RFM cells yet.")
        return {cell["cell"] for cell in cells if cell["roll_out"]}


def status_of(campaign: CampaignRecord, scored_on: date | None = None) -> CampaignStatus:
    """`ended` as soon as it has been measured to its end; `planned` before its first day.

    Parameters
    ----------
    scored_on : date of the latest scores; None: whether it has begun does not matter
    """
    if campaign.cancelled_at is not None:
        return "cancelled"
    measured = campaign.results and date.fromisoformat(campaign.results["measured_until"])
    if measured and measured >= campaign.ends_on:
        return "ended"
    has_begun = scored_on is None or campaign.starts_on <= scored_on
    return "running" if has_begun else "planned"
