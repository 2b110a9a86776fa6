"""What all pages have in common: language, colours, the header, and how errors look.

To add a page, write `page.py` in its room with a function that takes the `Frame`, and the
stores that it reads, and returns its routes; call it in `serving/server/pages.py`:

    def segment_pages(frame: Frame, counts: SegmentStore) -> APIRouter:
        router = frame.router()

        def overview(request: Request) -> Response:
            run = frame.store.latest_run()      # NoRun becomes the page that says what to do
            return frame.render(request, "segments.html", run=run, groups=…)

        router.add_api_route("/segments", overview)
        return router

Each route needs its line in `serving.web.access.ACCESS`; an entry of the header's
navigation is a line in `NAVIGATION`. The template extends `base.html`, fills the blocks
`title` and `main`, and writes its texts in English as `{{ _("…") }}` or
`{% trans %}…{% endtrans %}`, in Python as `words.say("…")`, or
`mark("…")` where they are looked up later. Their translations stand in the catalogues
(`features.language`); a test names those that are missing and those that nothing uses. Every template sees

- `words`: codes, dates, figures and reasons in the reader's language (`serving.web.words`),
- `here`: the path of the page; `link(path, name=value)`: an address with parameters;
  `path_part(id)`: a customer's id in a path; `root()`: what stands before the paths of a shop
  where several share a server, written before every path of ours; `static(name)`: a file,
- `may("write")`: whether the caller may do what needs that scope; `signed_in()`: the person who
  asks, if one does; `is_open()`: whether nobody has to sign in. Forms with `method="post"` are
  given the token of the session by themselves (`serving.web.forms.FormTokens`),
- and, where `run=` is given: `info` and `summary` of the run, `age_days` of its scores,
  `money(amount)`, `round_money(amount)` without pence, `round_span(low, high)` for
  intervals, `short_money(amount)` for scales.

No inline script or style is allowed by the Content-Security-Policy: use classes of
`static/style.css` and the attributes of SVG. Everything is escaped by the templates.
"""

import json
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cachetools import FIFOCache
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.language.languages import Language, html_code, languages, own_name, translations
from features.language.message import mark
from serving.errors import NoRun, StoreError, UnknownCustomer
from serving.store.documents import ExhibitBody
from serving.store.last_good import LastGood
from serving.store.rule.text import text_of_rule
from serving.store.rule.tree import Operator, RuleCondition
from serving.store.run import PublishedRun
from serving.web.call import address, is_of_a_shop, is_open, may, signed_in
from serving.web.context import RouteContext
from serving.web.formats.accept import preferred_language
from serving.web.forms import FormTokens, form_token, form_token_in_address
from serving.web.paths import path_part
from serving.web.rights import Role
from serving.web.static_files import static_address
from serving.web.words import RISK_EFFECTS, Words

HERE = Path(__file__).parent
MOST_EXHIBITS_KEPT = 64
A_YEAR_SECONDS = 365 * 24 * 3600
THEMES = {"auto": mark("Automatic"), "light": mark("Light"), "dark": mark("Dark")}

ROLE_NAMES: dict[Role, str] = {
    "viewer": mark("Viewer"),
    "marketer": mark("Marketer"),
    "admin": mark("Admin"),
}

UNREAD = mark("This page has no “%(value)s” to choose as %(name)s; it shows what it usually does.")


class NavigationEntry(NamedTuple):
    """A link of the header's navigation."""

    path: str
    name: str
    query: str = ""
    """What the link chooses on the page."""

    def leads_to(self, path: str) -> bool:
        """Whether the page at `path` belongs to this entry."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


NAVIGATION = (
    NavigationEntry("/", mark("Overview")),
    NavigationEntry("/churn-list", mark("Churn list"), "?risk=critical&risk=high"),
    NavigationEntry("/audiences", mark("Audiences")),
    NavigationEntry("/segments", mark("Segments")),
    NavigationEntry("/assets", mark("Customer worth")),
    NavigationEntry("/loyalty", mark("Loyalty")),
    NavigationEntry("/goods", mark("Products")),
    NavigationEntry("/models", mark("Models")),
    NavigationEntry("/campaigns", mark("Campaigns")),
    NavigationEntry("/jobs", mark("Jobs")),
    NavigationEntry("/docs", mark("API")),
)


@dataclass(frozen=True)
class Reader:
    """How somebody reads: `chosen` are the choices of this request, kept in cookies."""

    language: Language
    theme: str
    chosen: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: Request) -> "Reader":
        """What the address asks for, then the cookie, then the browser."""
        choices = (("lang", languages()), ("theme", tuple(THEMES)))
        from_query = {
            name: value
            for name, values in choices
            if (value := request.query_params.get(name)) in values
        }
        from_cookies = {
            name: value
            for name, values in choices
            if (value := request.cookies.get(name)) in values
        }
        chosen = {**from_cookies, **from_query}
        language = chosen.get("lang") or preferred_language(
            request.headers.get("accept-language", "")
        )
        return cls(language, chosen.get("theme", "auto"), tuple(from_query.items()))


class Frame:
    """Renders pages for a reader, around what the routes answer from.

    Parameters
    ----------
    context : the scores, the clock and the audit log
    exhibit_body : the JSON of an exhibit of a run, by the run's id and the exhibit's name; None
        where the run was published without it
    """

    def __init__(
        self, context: RouteContext, exhibit_body: Callable[[str, str], bytes | None]
    ) -> None:
        self.context = context
        self._exhibit_body = exhibit_body
        # Runs never change, so neither does what is shown of one.
        self._exhibits: FIFOCache[tuple[str, str], ExhibitBody | None] = FIFOCache(
            MOST_EXHIBITS_KEPT
        )

    @property
    def store(self) -> LastGood:
        """The score runs."""
        return self.context.scores

    def router(self) -> APIRouter:
        """A router whose errors are pages too."""
        frame = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Any]:
                handler = super().get_route_handler()

                async def answered(request: Request) -> Response:
                    try:
                        answer: Response = await handler(request)
                    except NoRun:
                        return frame.render(request, "empty.html")
                    except UnknownCustomer:
                        return frame.render(request, "unknown.html", status=404)
                    except StoreError:
                        return frame.render(request, "away.html", status=503)
                    return answer

                return answered

        return APIRouter(include_in_schema=False, route_class=PageRoute)

    def caller(self) -> str:
        """Who asks, as the audit log names them."""
        from serving.web.call import current_call

        return current_call.get().caller

    def words(self, request: Request) -> Words:
        """The reader's language."""
        return _words(Reader.of(request).language)

    def unread(self, request: Request, **allowed: Container[str]) -> str:
        """A sentence about the first parameter whose value is none of those `allowed`; else ''.

        Pages show it above their usual view, as `unread`.
        """
        for name, values in allowed.items():
            value = request.query_params.get(name, "")
            if value and value not in values:
                return self.words(request).say(UNREAD, name=name, value=value)
        return ""

    def exhibit(self, run: PublishedRun, name: str) -> ExhibitBody | None:
        """What `serving.exhibits` shows of the run as a whole, such as `monthly`.

        Its `title`, `method`, `data` and `why_not`; None where the run was published without.
        """
        cache_key = (run.info.run_id, name)
        if (shown := self._exhibits.get(cache_key)) is None:
            body = self._exhibit_body(*cache_key)
            shown = self._exhibits[cache_key] = None if body is None else json.loads(body)
        return shown

    def exhibit_data(self, run: PublishedRun, name: str) -> Any:
        """The figures of an exhibit; None where the run has none of it."""
        body = self.exhibit(run, name)
        return body and body["data"]

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        run: PublishedRun | None = None,
        **values: Any,
    ) -> Response:
        """The page that `template` makes of `values`, for the reader of `request`.

        Parameters
        ----------
        request : says the language and the colours, and where the reader is
        template : a file in `templates/`
        status : of HTTP
        run : what the page is about; its figures and how they are written are then values
        """
        about = self._about(run, self.words(request)) if run else {}
        return rendered(request, template, status=status, **about, **values)

    def _about(self, run: PublishedRun, wording: Words) -> dict[str, object]:
        form = run.summary.money
        return {
            "info": run.info,
            "summary": run.summary,
            "age_days": (self.context.clock().date() - run.info.as_of).days,
            "money": wording.money(run.info, form),
            "round_money": wording.round_money(run.info, form),
            "round_span": wording.round_span(run.info, form),
            "short_money": wording.short_money(run.info, form),
        }


def link(path: str, *pairs: tuple[str, str], **changes: Any) -> str:
    """`path` with the parameters `pairs`, of which `changes` takes the place or adds to.

    A change to None or an empty text removes the parameter.
    """
    remaining = [(name, value) for name, value in pairs if name not in changes]
    added = [(name, value) for name, value in changes.items() if value not in {None, ""}]
    query = urlencode([*remaining, *added])
    return address(f"{path}?{query}" if query else path)


def _asks(field: str, operator: Operator, *values: object) -> str:
    """A rule of one condition, as an address of the list takes it."""
    return text_of_rule(RuleCondition(field, operator, tuple(map(str, values))))


def _first_orders_in(start: str, months: int = 1) -> str:
    """The same, of whose first order is of so many months from `start`, such as 2026-03."""
    first = date.fromisoformat(f"{start[:7]}-01")
    behind = first.month - 1 + months
    end = date(first.year + behind // 12, behind % 12 + 1, 1) - timedelta(days=1)
    return _asks("first_order_date", "between", first.isoformat(), end.isoformat())


def rendered(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page that `template` makes of `values`, in the language and colours of the reader.

    Parameters
    ----------
    request : says the language and the colours, and where the reader is
    template : a file in `templates/`
    status : of HTTP
    """
    reader = Reader.of(request)
    text = (
        _environment(reader.language)
        .get_template(template)
        .render(
            **values,
            words=_words(reader.language),
            reader=reader,
            here=request.url.path,
            query=request.query_params.multi_items(),
        )
    )
    headers = {"Vary": "Accept-Language, Cookie"}
    answer = HTMLResponse(text, status_code=status, headers=headers)
    for name, value in reader.chosen:
        answer.set_cookie(name, value, max_age=A_YEAR_SECONDS, httponly=True, samesite="lax")
    return answer


@cache
def _words(language: Language) -> Words:
    return Words(language)


@cache
def _environment(language: Language) -> Environment:
    """The templates in one language, kept when they have been read."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", FormTokens],
    )
    environment.policies["ext.i18n.trimmed"] = True
    texts = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True
    )
    environment.globals.update(
        language_names={name: own_name(name) for name in languages()},
        html_codes={name: html_code(name) for name in languages()},
        themes=THEMES,
        risk_effects=RISK_EFFECTS,
        navigation=NAVIGATION,
        path_part=path_part,
        link=link,
        root=partial(address, ""),
        asks=_asks,
        first_orders_in=_first_orders_in,
        static=static_address,
        is_of_a_shop=is_of_a_shop,
        form_token=form_token,
        form_token_in_address=form_token_in_address,
        signed_in=signed_in,
        may=may,
        is_open=is_open,
        role_names=ROLE_NAMES,
    )
    return environment
