"""Who may call what: one table, and what is not in it is refused.

A route without an entry, or an entry without a route, ends the start of the server.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Mount, Route, compile_path

from serving.web.rights import KeyScope

Scope = Literal["public"] | KeyScope

ACCESS: Mapping[tuple[str, str], Scope] = {
    ("GET", "/healthz"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/metrics"): "read",
    ("GET", "/openapi.json"): "read",
    ("GET", "/v1/models"): "read",
    ("GET", "/v1/churn-list"): "read",
    ("POST", "/v1/customers/scores"): "read",
    ("POST", "/v1/score"): "read",
    ("GET", "/v1/recommendations"): "read",
    ("POST", "/v1/transactions"): "write",
    ("POST", "/v1/imports"): "write",
    ("GET", "/v1/imports"): "write",
    ("GET", "/v1/imports/{import_id}"): "write",
    ("GET", "/v1/customers/{customer_id:path}/recommendations"): "read",
    ("GET", "/v1/customers/{customer_id:path}/history"): "read",
    ("GET", "/v1/customers/{customer_id:path}"): "read",
    ("DELETE", "/v1/customers/{customer_id}"): "admin",
    ("GET", "/v1/changes"): "read",
    ("POST", "/v1/webhooks"): "admin",
    ("GET", "/v1/webhooks"): "admin",
    ("GET", "/v1/webhooks/{webhook_id}"): "admin",
    ("DELETE", "/v1/webhooks/{webhook_id}"): "admin",
    ("POST", "/v1/webhooks/{webhook_id}/test"): "admin",
    ("POST", "/v1/webhooks/{webhook_id}/secret"): "admin",
    ("POST", "/v1/webhooks/{webhook_id}/enable"): "admin",
    ("GET", "/v1/exhibits"): "read",
    ("GET", "/v1/exhibits/{name}"): "read",
    ("GET", "/v1/affinity"): "read",
    ("GET", "/v1/funnel"): "read",
    ("GET", "/v1/assets"): "read",
    ("GET", "/v1/accounts/{account_id:path}"): "read",
    ("GET", "/v1/retention"): "read",
    ("GET", "/v1/lifetime"): "read",
    ("GET", "/v1/likely-buyers"): "read",
    ("GET", "/v1/products/{item_id:path}/customers"): "read",
    ("GET", "/v1/categories/{item_id:path}/customers"): "read",
    ("GET", "/v1/segments"): "read",
    ("GET", "/v1/audiences"): "read",
    ("POST", "/v1/audiences"): "write",
    ("GET", "/v1/audiences/fields"): "read",
    ("POST", "/v1/audiences/counts"): "read",
    ("GET", "/v1/audiences/{audience_id}"): "read",
    ("PUT", "/v1/audiences/{audience_id}"): "write",
    ("DELETE", "/v1/audiences/{audience_id}"): "write",
    ("GET", "/v1/audiences/{audience_id}/members"): "read",
    ("GET", "/v1/campaigns"): "read",
    ("POST", "/v1/campaigns"): "write",
    ("POST", "/v1/campaigns/proposals"): "read",
    ("GET", "/v1/campaigns/{campaign_id}"): "read",
    ("POST", "/v1/campaigns/{campaign_id}/cancel"): "write",
    ("GET", "/v1/campaigns/{campaign_id}/members"): "read",
    ("GET", "/v1/campaigns/{campaign_id}/contacts"): "write",
    ("GET", "/v1/campaigns/{campaign_id}/results"): "read",
    ("GET", "/v1/experiments"): "read",
    ("GET", "/v1/experiments/{name}"): "read",
    ("GET", "/v1/segments/{system}"): "read",
    ("GET", "/"): "read",
    ("GET", "/churn-list"): "read",
    ("GET", "/customers/{customer_id:path}"): "read",
    ("GET", "/customer-outlook/{customer_id:path}"): "read",
    ("GET", "/segments"): "read",
    ("GET", "/segments/{system}"): "read",
    ("GET", "/accounts"): "read",
    ("GET", "/accounts/{account_id:path}"): "read",
    ("GET", "/assets"): "read",
    ("GET", "/assets.xlsx"): "read",
    ("GET", "/loyalty"): "read",
    ("GET", "/lifetime"): "read",
    ("GET", "/goods"): "read",
    ("GET", "/goods/buyers"): "read",
    ("GET", "/campaigns"): "read",
    ("POST", "/campaigns"): "write",
    ("GET", "/campaigns/new"): "read",
    ("GET", "/campaigns/{campaign_id}"): "read",
    ("POST", "/campaigns/{campaign_id}/cancel"): "write",
    ("GET", "/audiences"): "read",
    ("GET", "/audiences/new"): "read",
    ("GET", "/audiences/{audience_id}"): "read",
    ("POST", "/audiences"): "write",
    ("POST", "/audiences/{audience_id}"): "write",
    ("POST", "/audiences/{audience_id}/delete"): "write",
    ("GET", "/experiments"): "read",
    ("GET", "/experiments/{name}"): "read",
    ("GET", "/models"): "read",
    ("GET", "/models/compare"): "read",
    ("GET", "/jobs"): "read",
    ("POST", "/jobs"): "admin",
    ("POST", "/jobs/orders"): "admin",
    ("POST", "/jobs/timetable"): "admin",
    ("GET", "/jobs/{job_id}"): "read",
    ("POST", "/jobs/{job_id}/cancel"): "admin",
    ("GET", "/docs"): "read",
    ("GET", "/sign-in"): "public",
    ("POST", "/sign-in"): "public",
    ("GET", "/sign-in/organisation"): "public",
    ("GET", "/sign-in/return"): "public",
    ("POST", "/sign-out"): "read",
    ("GET", "/invitation/{token}"): "public",
    ("POST", "/invitation/{token}"): "public",
    ("GET", "/me"): "read",
    ("POST", "/me/password"): "read",
    ("POST", "/me/sign-out-everywhere"): "read",
    ("GET", "/people"): "admin",
    ("POST", "/people/invitations"): "admin",
    ("POST", "/people/invitations/{digest}/withdraw"): "admin",
    ("POST", "/people/{person_id}/role"): "admin",
    ("POST", "/people/{person_id}/password"): "admin",
    ("POST", "/people/{person_id}/sign-out"): "admin",
    ("POST", "/people/{person_id}/remove"): "admin",
    ("GET", "/keys"): "admin",
    ("POST", "/keys"): "admin",
    ("POST", "/keys/{key_id}/revoke"): "admin",
    # the same for everybody who has this release
    ("GET", "/static"): "public",
}
"""(method, path as the route writes it) → what a key must be allowed to do; a person's role says
what they may, see `serving.web.rights`."""

UNMATCHED = "unmatched"
"""What logs and metrics call a path that no route has."""


@dataclass(frozen=True)
class RouteEntry:
    """A route and what it takes; `is_page` where a browser asks, for whom see `gate`."""

    template: str
    scope: Scope
    is_page: bool


NO_ROUTE = RouteEntry(UNMATCHED, "read", is_page=False)
"""A stranger learns from an unknown path no more than from a known one."""


class RouteCatalogue:
    """The routes of an application, found by method and path in one search.

    Parameters
    ----------
    routes : of the application, in the order in which it tries them
    access : the table of scopes

    Raises
    ------
    RuntimeError
        When the table and the routes are not the same.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        access: Mapping[tuple[str, str], Scope] = ACCESS,
    ) -> None:
        paths = list(_found(routes))
        names = {(method, template) for method, template, _ in paths}
        if unlike := names ^ set(access):
            raise RuntimeError(f"Routes and serving.web.access.ACCESS differ in {sorted(unlike)}.")
        self._entries: dict[str, list[RouteEntry]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        parts: dict[str, list[str]] = {}
        for method, template, pattern in paths:
            entries = self._entries.setdefault(method, [])
            parts.setdefault(method, []).append(f"(?P<r{len(entries)}>{pattern})")
            is_page = not template.startswith("/v1/")
            entries.append(RouteEntry(template, access[method, template], is_page))
        self._patterns = {
            method: re.compile("|".join(alternatives)) for method, alternatives in parts.items()
        }

    def find(self, method: str, path: str) -> RouteEntry:
        """The first route of `method` that has this `path`, percent-encoded as it was sent."""
        pattern = self._patterns.get(method)
        match = pattern.match(path) if pattern else None
        if match is None or match.lastgroup is None:
            return NO_ROUTE
        return self._entries[method][int(match.lastgroup[1:])]

    def methods(self, path: str) -> list[str]:
        """Those that the routes of this `path` take; of a path that is a name elsewhere, its own."""
        entries = {name: self.find(name, path) for name in self._patterns}
        variables = {
            name: entry.template.count("{")
            for name, entry in entries.items()
            if entry is not NO_ROUTE
        }
        methods = [name for name, count in variables.items() if count == min(variables.values())]
        return sorted([*methods, "HEAD"] if "GET" in methods else methods)


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Add the routes of `router` to `app` as they are.

    `include_router` would make each a second time, with validators of its own: half of the time
    that an application takes to be made.
    """
    app.router.routes.extend(router.routes)


def _found(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str, str]]:
    """Method, path as written and pattern of each route."""
    for route in routes:
        match route:
            case Mount(path=template):
                methods, path = {"GET"}, template + "/{path:path}"
            case Route(path=template):
                methods, path = route.methods or {"GET"}, template
            case _:
                raise RuntimeError(f"Nobody can say who may call {route}.")
        # The names of a path's parts may come twice in the pattern of all.
        pattern = re.sub(r"\(\?P<\w+>", "(?:", compile_path(path)[0].pattern)
        # the head of a GET is asked for as one
        for method in sorted(methods - {"HEAD"}):
            yield method, template, pattern
