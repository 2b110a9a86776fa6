"""The pages of audiences: those that are saved, and the builder with live counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from features.language.message import mark
from serving.audiences.form import BINDINGS, BuilderForm, BuilderRow
from serving.audiences.service import LONGEST_NAME, LONGEST_NOTE, AudienceService
from serving.audiences.store import SavedAudience
from serving.churn_list.rule_words import HEADINGS, OPERATORS, RuleWriter
from serving.errors import AudienceConflict, UnknownAudience
from serving.people.caller_names import CallerNames
from serving.store.likely_buyers import BuyerStore
from serving.store.rule.binding import bound
from serving.store.rule.fields import fields_of
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import AudienceRule
from serving.store.run import PublishedRun, Totals
from serving.web.call import address
from serving.web.forms import Sent
from serving.web.frame import Frame

AudienceId = Annotated[str, Path(min_length=1, max_length=200)]
UNKNOWN = mark("There is no such audience.")
TAKEN = mark("Another audience has this name. Choose another one.")
NAMELESS = mark("Give the audience a name of at most 120 characters.")
EMPTY = mark("Add a condition first: everybody is no audience.")
FEW_VALUES = 5
"""So few values stand in the order of their codes."""
MOST_ITEMS = 60
"""Items offered for choice, those with the most likely buyers; others are typed."""


@dataclass(frozen=True, kw_only=True)
class RowChoice:
    """A value that a condition may have, and how many customers do; None: not counted."""

    value: str
    label: str
    customers: int | None
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class BuilderState:
    """What the builder shows.

    Attributes
    ----------
    form : None where groups lie too deep for it: then the text alone
    where : the rule as text, as it was typed where it cannot be read
    """

    form: BuilderForm | None
    where: str
    rule: AudienceRule | None
    problems: Sequence[str]


def audience_pages(
    frame: Frame,
    service: AudienceService,
    buyers: BuyerStore,
    caller_names: Callable[[], CallerNames],
) -> APIRouter:
    """`/audiences`, `/audiences/new`, `/audiences/{id}` and what their forms send.

    `caller_names` says who made an audience.
    """
    router = frame.router()
    pages = _Pages(frame, service, buyers, caller_names)
    router.add_api_route("/audiences", pages.listed)
    router.add_api_route("/audiences/new", pages.new)
    router.add_api_route("/audiences/{audience_id}", pages.one)
    router.add_api_route("/audiences", pages.create, methods=["POST"])
    router.add_api_route("/audiences/{audience_id}", pages.change, methods=["POST"])
    router.add_api_route("/audiences/{audience_id}/delete", pages.forget, methods=["POST"])
    return router


class _Pages:
    def __init__(
        self,
        frame: Frame,
        service: AudienceService,
        buyers: BuyerStore,
        caller_names: Callable[[], CallerNames],
    ) -> None:
        self._frame = frame
        self._caller_names = caller_names
        self._service = service
        self._buyers = buyers

    def listed(self, request: Request) -> Response:
        run = self._frame.store.latest_run()
        writer = self._writer(request, run)
        saved = [
            {
                "audience": audience,
                "size": self._service.size(run, audience),
                "sentence": writer.sentence(audience.rule),
                "query": urlencode({"audience": audience.name}),
            }
            for audience in self._service.store.all()
        ]
        chosen = request.query_params.get("saved", "")
        return self._frame.render(
            request,
            "audiences.html",
            run=run,
            saved=saved,
            chosen=chosen,
            callers=self._caller_names(),
        )

    def new(self, request: Request) -> Response:
        run = self._frame.store.latest_run()
        state = self._state(request, request.query_params, run, None)
        return self._builder(request, run, state, None)

    def one(self, request: Request, audience_id: AudienceId) -> Response:
        run = self._frame.store.latest_run()
        try:
            audience = self._service.store.audience(audience_id)
        except UnknownAudience:
            return self._missing(request)
        state = self._state(request, request.query_params, run, audience.rule, audience)
        return self._builder(request, run, state, audience)

    def create(self, request: Request, sent: Sent) -> Response:
        return self._keep(request, sent, None)

    def change(self, request: Request, audience_id: AudienceId, sent: Sent) -> Response:
        try:
            audience = self._service.store.audience(audience_id)
        except UnknownAudience:
            return self._missing(request)
        return self._keep(request, sent, audience)

    def forget(self, request: Request, audience_id: AudienceId) -> Response:
        try:
            self._service.store.audience(audience_id)
        except UnknownAudience:
            return self._missing(request)
        self._frame.context.audit(self._frame.caller(), "audience", 0, f"delete {audience_id}")
        self._service.store.remove(audience_id)
        return RedirectResponse(address("/audiences"), status_code=303)

    def _keep(self, request: Request, sent: QueryParams, kept: SavedAudience | None) -> Response:
        """Save what was sent, as a new audience or in the place of one."""
        run = self._frame.store.latest_run()
        state = self._state(request, sent, run, None, kept)
        name, note = sent.get("name", "").strip(), sent.get("note", "").strip()[:LONGEST_NOTE]
        problems = [*state.problems]
        if not 0 < len(name) <= LONGEST_NAME or "\0" in name + note:
            problems.append(self._say(request, NAMELESS))
        if state.rule is None and not state.problems:
            problems.append(self._say(request, EMPTY))
        if not problems and state.rule is not None:
            caller = self._frame.caller()
            size = self._service.totals(run, state.rule).customers
            deed = "create" if kept is None else f"change {kept.audience_id}"
            self._frame.context.audit(caller, "audience", size, deed)
            told: dict[str, Any] = {"note": note, "caller": caller}
            try:
                audience = (
                    self._service.save(run, name, state.rule, **told)
                    if kept is None
                    else self._service.change(run, kept.audience_id, name, state.rule, **told)
                )
            except AudienceConflict:
                problems.append(self._say(request, TAKEN))
            else:
                query = urlencode({"saved": audience.audience_id})
                return RedirectResponse(address(f"/audiences?{query}"), status_code=303)
        state = BuilderState(form=state.form, where=state.where, rule=state.rule, problems=problems)
        return self._builder(request, run, state, kept, name=name, note=note)

    def _state(
        self,
        request: Request,
        params: QueryParams,
        run: PublishedRun,
        kept: AudienceRule | None,
        replaced: SavedAudience | None = None,
    ) -> BuilderState:
        """The builder after what was sent: its fields, a text, or neither."""
        typed = params.get("where", "").strip()
        # a text that was changed wins over the fields beside it
        is_text = params.get("do") == "text" or typed != params.get("was", typed).strip()
        is_form = not is_text and any(name.startswith("g0.") for name in params)
        form: BuilderForm | None = BuilderForm()
        try:
            if is_form:
                form = BuilderForm.read(params, run.info)
                rule = form.rule()
            else:
                rule = rule_of_text(typed) if typed else kept
                form = None
                form = BuilderForm.of(rule, run.info)
            if rule is not None:
                bound(rule, run.info)
        except ConfigError as error:
            problems = [self._say(request, problem) for problem in error.problems]
            where = typed or ("" if is_form or kept is None else text_of_rule(kept))
            return BuilderState(form=form, where=where, rule=None, problems=problems)
        where, problems = "", []
        if rule is not None:
            where = text_of_rule(rule)
            unknown = self._service.item_problems(rule, replaced.rule if replaced else None)
            language = self._frame.words(request).language
            problems = [problem.into(language) for problem in unknown]
        return BuilderState(form=form, where=where, rule=rule, problems=problems)

    def _builder(
        self,
        request: Request,
        run: PublishedRun,
        state: BuilderState,
        kept: SavedAudience | None,
        **typed: str,
    ) -> Response:
        writer = self._writer(request, run)
        rows = _BuilderRows(self._service, self._buyers, run, writer)
        totals = None if state.problems else self._service.totals(run, state.rule)
        name, note = (kept.name, kept.note) if kept else ("", "")
        params = request.query_params
        return self._frame.render(
            request,
            "audience.html",
            run=run,
            state=state,
            kept=kept,
            name=typed.get("name", params.get("name", name)),
            note=typed.get("note", params.get("note", note)),
            totals=totals,
            everybody=self._service.totals(run, None).customers,
            sentence="" if state.rule is None else writer.sentence(state.rule),
            rule_query=urlencode({"where": state.where}),
            writer=writer,
            rows=rows,
            bindings=BINDINGS,
            operators=OPERATORS,
            headings={
                label: [field for field in fields_of(run.info) if field.heading == heading]
                for heading, label in HEADINGS.items()
            },
        )

    def _writer(self, request: Request, run: PublishedRun) -> RuleWriter:
        names = {item.key: item.name or item.item_id for item in self._buyers.items()}
        return RuleWriter(self._frame.words(request), run, names)

    def _missing(self, request: Request) -> Response:
        return self._frame.render(
            request, "no_audience.html", status=404, problem=self._say(request, UNKNOWN)
        )

    def _say(self, request: Request, message: str) -> str:
        return self._frame.words(request).say(message)


class _BuilderRows:
    """What the rows of the builder offer."""

    def __init__(
        self, service: AudienceService, buyers: BuyerStore, run: PublishedRun, writer: RuleWriter
    ) -> None:
        self._service = service
        self._buyers = buyers
        self._run = run
        self._writer = writer
        self._sizes = service.sizes_by_field(run)

    def choices(self, row: BuilderRow) -> list[RowChoice]:
        """Values to tick: those that customers have, and those that are chosen."""
        return [
            RowChoice(
                value=value,
                label=self._writer.choice(row.field, value),
                customers=customers,
                is_chosen=value in row.chosen,
            )
            for value, customers in self._sized(row)
        ]

    def further(self, row: BuilderRow) -> str | None:
        """Values that are typed; None where all that there are can be ticked."""
        if row.field.kind == "choice" and row.field.name in self._sizes:
            return None
        ticked = {choice.value for choice in self.choices(row)}
        return ", ".join(value for value in row.chosen if value not in ticked)

    def alone(self, row: BuilderRow) -> Totals | None:
        """Of how many customers the condition holds by itself; None while it is not filled in."""
        try:
            condition = row.condition()
            return None if condition is None else self._service.totals(self._run, condition)
        except ConfigError:
            return None

    def _in_order(self, system: str, sizes: Mapping[str, int]) -> Sequence[str]:
        """As in the rule of the system; of others the largest first."""
        rule = self._run.info.segment_rules.get(system)
        named = list(rule["groups"]) if rule and "groups" in rule else []
        places = {value: place for place, value in enumerate(named)}
        by_name = len(sizes) <= FEW_VALUES and not named
        return sorted(
            sizes,
            key=lambda value: (places.get(value, len(places)), by_name or -sizes[value], value),
        )

    def _sized(self, row: BuilderRow) -> Iterator[tuple[str, int | None]]:
        if row.field.kind == "item":
            for item in self._buyers.items()[:MOST_ITEMS]:
                yield item.key, None
            return
        sizes = self._sizes.get(row.field.name, {})
        order = row.field.choices or self._in_order(row.field.name, sizes)
        for value in order:
            if sizes.get(value) or value in row.chosen:
                yield value, sizes.get(value, 0)
        for value in row.chosen:
            if value not in order and sizes:
                yield value, 0
