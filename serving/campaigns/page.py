"""The pages of campaigns: the list, a new one, a running or ended one."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from features.language.message import mark
from serving.campaigns.form import CampaignForm
from serving.campaigns.service import CampaignService
from serving.campaigns.store import CampaignMember, CampaignStore, MeasuredCampaign
from serving.campaigns.telling import profit_of, save_rate_told
from serving.churn_list.form import ListForm
from serving.errors import CampaignConflict, UnknownCampaign
from serving.people.caller_names import CallerNames
from serving.store.run import PublishedRun
from serving.web.call import address
from serving.web.forms import Sent
from serving.web.frame import Frame
from serving.web.params import RuleCalled
from serving.web.paths import path_part
from training.experiments.campaign_reading import ArmEffect

CampaignId = Annotated[str, Path(min_length=1, max_length=200)]
UNKNOWN = mark("There is no such campaign.")
TAKEN = mark("Another campaign has taken some of the chosen customers. Look at the proposal again.")
NOTHING_ASKED = CampaignForm(customers=ListForm(usual_sort="value_at_risk"))
PREVIEWED = 10
ONCE_BYTES = 16
"""Of the name of a form that was shown: sent twice, it makes one campaign."""
MEASURES = ("profit", "revenue", "orders", "ordered", "visited")

USUAL_CONTACTS = "500"
"""What a new campaign begins with."""


def campaign_pages(
    frame: Frame,
    store: CampaignStore,
    rule_called: RuleCalled,
    caller_names: Callable[[], CallerNames],
) -> APIRouter:
    """`/campaigns`, `/campaigns/new`, `/campaigns/{id}` and what their forms send.

    `rule_called` finds saved audiences, `caller_names` says who made a campaign.
    """
    router = frame.router()
    pages = _Pages(frame, store, rule_called, caller_names)
    router.add_api_route("/campaigns", pages.listed)
    router.add_api_route("/campaigns/new", pages.new)
    router.add_api_route("/campaigns/{campaign_id}", pages.one)
    router.add_api_route("/campaigns", pages.create, methods=["POST"])
    router.add_api_route("/campaigns/{campaign_id}/cancel", pages.cancel, methods=["POST"])
    return router


class _Pages:
    def __init__(
        self,
        frame: Frame,
        store: CampaignStore,
        rule_called: RuleCalled,
        caller_names: Callable[[], CallerNames],
    ) -> None:
        self._frame = frame
        self._caller_names = caller_names
        self._rule_called = rule_called
        self._service = CampaignService(store, frame.context.clock)

    def listed(self, request: Request) -> Response:
        run = self._frame.store.latest_run()
        campaigns = [
            {
                **campaign,
                "profit": profit_of(results["measured"]),
                "headline": results["headline"],
            }
            for campaign, results in self._service.with_results()
        ]
        return self._frame.render(
            request,
            "campaigns.html",
            run=run,
            campaigns=campaigns,
            pooled=self._service.pooled(),
        )

    def new(self, request: Request) -> Response:
        run = self._frame.store.latest_run()
        try:
            form = CampaignForm.read(request.query_params, self._rule_called)
        except ConfigError as error:
            return self._form(request, run, NOTHING_ASKED, error.problems)
        try:
            # a filter that this run does not know is named before anything is proposed
            self._frame.store.churn_list(form.customers.filter(), sort=form.customers.sort, limit=1)
        except ConfigError as error:
            unfiltered = replace(form, customers=NOTHING_ASKED.customers)
            return self._form(request, run, unfiltered, error.problems)
        if "name" not in request.query_params:
            form = self._prefilled(request, run, form)
        return self._form(request, run, form, (), ask=True)

    def _prefilled(self, request: Request, run: PublishedRun, form: CampaignForm) -> CampaignForm:
        """A name and a budget to begin with, so that a proposal stands there at once."""
        words = self._frame.words(request)
        name = words.say("Campaign of %(day)s", day=words.day(run.info.as_of))
        budget = form.budget if form.roll_out_of else form.budget or USUAL_CONTACTS
        return replace(form, name=name, budget=budget)

    def create(self, request: Request, sent: Sent) -> Response:
        run = self._frame.store.latest_run()
        try:
            form = CampaignForm.read(sent, self._rule_called)
        except ConfigError as error:
            return self._form(request, run, NOTHING_ASKED, error.problems)
        caller = self._frame.caller()
        audit = self._frame.context.audit
        try:
            campaign = self._service.create(
                form.request(),
                created_by=caller,
                key=f"page {form.once}" if form.once else None,
                note=lambda count, new_id: audit(caller, "campaign", count, new_id),
            )
        except CampaignConflict:
            return self._form(request, run, replace(form, seed=""), (TAKEN,), ask=True)
        except ConfigError as error:
            return self._form(request, run, form, error.problems)
        return RedirectResponse(
            address(f"/campaigns/{path_part(campaign['campaign_id'])}"), status_code=303
        )

    def one(self, request: Request, campaign_id: CampaignId) -> Response:
        run = self._frame.store.latest_run()
        try:
            campaign = self._service.campaign(campaign_id)
            results = self._service.results(campaign_id)
        except UnknownCampaign:
            return self._frame.render(
                request, "no_campaign.html", status=404, problem=self._say(request, UNKNOWN)
            )
        measured = results["measured"]
        return self._frame.render(
            request,
            "campaign.html",
            run=run,
            campaign=campaign,
            callers=self._caller_names(),
            measured=measured,
            profit=profit_of(measured),
            headline=results["headline"],
            save_rate_told=save_rate_told(measured),
            effects=_effects(measured),
        )

    def cancel(self, request: Request, campaign_id: CampaignId) -> Response:
        self._frame.context.audit(self._frame.caller(), "campaign", 0, f"cancel {campaign_id}")
        try:
            self._service.cancel(campaign_id)
        except (UnknownCampaign, ConfigError):
            return self._frame.render(
                request, "no_campaign.html", status=404, problem=self._say(request, UNKNOWN)
            )
        return RedirectResponse(address(f"/campaigns/{path_part(campaign_id)}"), status_code=303)

    def _form(
        self,
        request: Request,
        run: PublishedRun,
        form: CampaignForm,
        problems: Sequence[str],
        *,
        ask: bool = False,
    ) -> Response:
        """The form, with the proposal it leads to and what is wrong."""
        proposal = None
        if ask:
            try:
                proposal = self._service.propose(form.request())
                form = replace(form, seed=proposal.seed, once=secrets.token_hex(ONCE_BYTES))
            except UnknownCampaign:
                problems = (*problems, UNKNOWN)
            except ConfigError as error:
                problems = (*problems, *error.problems)
        return self._frame.render(
            request,
            "campaign_new.html",
            channels=self._service.channel_costs(run.info),
            run=run,
            form=form,
            problems=[self._say(request, problem) for problem in problems],
            proposal=proposal and proposal.to_dict(),
            preview=_best(proposal.members) if proposal else (),
        )

    def _say(self, request: Request, message: str) -> str:
        return self._frame.words(request).say(message)


def _effects(measured: MeasuredCampaign | None) -> list[ArmEffect]:
    """What the contacts changed, per arm, the most telling measure first."""
    effects = measured["effects"] if measured else []
    return sorted(effects, key=lambda effect: (effect["arm"], MEASURES.index(effect["measure"])))


def _best(members: Sequence[CampaignMember]) -> list[CampaignMember]:
    """The most profitable of those chosen."""
    return sorted(members, key=lambda member: -(member.expected_profit or 0.0))[:PREVIEWED]
