"""How requests are read: parameters, filters and bodies."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from features.language.languages import languages
from serving.store.documents import RankedProduct
from serving.store.protocol import ChurnFilter, Consent, SortKey, checked_span, segment_pairs
from serving.store.rule.text import rule_of_text
from serving.store.rule.tree import AudienceRule, both_of
from serving.web.formats.accept import preferred_type
from serving.web.problems import MalformedBody, NotJson
from serving.web.schemas import IsoDay, Rhythm, Risk, Status

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ListFormat = Literal["json", "csv", "ndjson", "xlsx", "audience", "meta", "google"]
FILES: Mapping[int | str, dict[str, object]] = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}},
            NDJSON: {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
"""What OpenAPI says of a list that can be had as a file, too."""
FORMATS: Mapping[str, ListFormat] = {
    JSON: "json",
    CSV: "csv",
    NDJSON: "ndjson",
    XLSX: "xlsx",
}
"""Media type → format, those first that win a tie."""

RuleCalled = Callable[[str], AudienceRule]
"""The rule of a saved audience, by id or name; raises `ConfigError` where there is none."""

LONGEST_RULE = 5_000
"""Characters of a rule in an address, which a server reads up to 16 KiB of."""

Body = TypeVar("Body", bound=BaseModel)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


class _Query(BaseModel):
    # A misspelt filter must not silently return everything.
    model_config = ConfigDict(extra="forbid", frozen=True)


def _language(value: str) -> str:
    if value not in languages():
        raise ValueError(f"choose one of {', '.join(languages())}")
    return value


Lang = Annotated[
    str, AfterValidator(_language), Field(json_schema_extra={"enum": list(languages())})
]


class TextQuery(_Query):
    """In which language texts are to be; see `serving.web.formats.one_language`, which reads it."""

    lang: Lang | None = Field(
        None, description="Language of texts; wins over Accept-Language. Without either, every one"
    )


class _ProductQuery(_Query):
    limit: int = Field(10, ge=1, le=200)
    category: str | None = None
    exclude: list[str] = Field([], description="Product ids to leave out; repeat it for more")


class RecommendationQuery(_ProductQuery):
    """Which of a customer's recommendations to return."""

    kind: Literal["all", "repeat", "new"] = "all"

    def select(self, products: Sequence[RankedProduct]) -> list[RankedProduct]:
        """The products that pass every filter, best first, at most `limit`."""
        fitting = (
            product
            for product in products
            if self.kind in {"all", product["kind"]}
            and self.category in {None, product["category"]}
            and product["product_id"] not in self.exclude
        )
        return [
            {**product, "rank": rank}
            for rank, product in enumerate(islice(fitting, self.limit), start=1)
        ]


class PopularQuery(_ProductQuery):
    """Which products to return for somebody who has not ordered yet."""

    segment: str | None = Field(
        None, description="An RFM group, such as important_value: what it buys comes first"
    )


class HistoryQuery(_Query):
    """How much of a customer's history to return."""

    limit: int = Field(100, ge=1, le=1_000, description="Runs, the latest first")


class ChangesQuery(_Query):
    """Where to go on in the feed of changes."""

    since: str | None = Field(
        None,
        pattern=r"^(c[1-9][0-9]{0,17}|end)$",
        description="`next_cursor` of the page before; `end`: nothing yet, only a cursor to go "
        "on from; without it: from the oldest change that is kept",
    )
    limit: int = Field(100, ge=1, le=1_000)

    def place(self) -> int | None:
        """The number of the change to start with."""
        return None if self.since is None else int(self.since.removeprefix("c"))


class ChurnListQuery(_Query):
    """Which customers to list, in which order."""

    risk: list[Risk] = Field([], description="Bands to keep; repeat it for more")
    status: list[Status] = Field([], description="Statuses to keep; repeat it for more")
    segment: list[Annotated[str, Field(pattern=r"^[^:]+:[\s\S]+$")]] = Field(
        [],
        description="system:value, such as rfm_group:important_value. Of several values of a "
        "system, repeated or parted by |, any will do; of several systems, all must hold",
    )
    consent: list[Consent] = Field(
        [], description="Whether they may be contacted; repeat it for more"
    )
    rhythm: list[Rhythm] = Field(
        [], description="Silence beside gaps like the customer's; repeat it for more"
    )
    min_value_at_risk: Annotated[float, AfterValidator(_finite)] | None = None
    due_from: IsoDay | None = Field(
        None, description="First day of the next order; a customer without a date is in no span"
    )
    due_until: IsoDay | None = Field(None, description="Last day of the next order")
    will_buy: list[Annotated[str, Field(pattern=r"^(product|category):[\s\S]+$")]] = Field(
        [],
        description="product:ID or category:NAME: who is on its list of likely buyers; repeat it "
        "for who is on any of several",
    )
    where: list[Annotated[str, Field(max_length=LONGEST_RULE)]] = Field(
        [],
        description="A rule, such as `risk = high and (clv >= 100 or not abc = C)`; repeat it for "
        "more that must hold. `GET /v1/audiences/fields` names what it may ask for",
    )
    audience: str | None = Field(
        None, max_length=200, description="Id or name of a saved audience: its members"
    )
    sort: SortKey = Field(
        "value_at_risk",
        description="Highest first; of rhythm overdue, late, on time, unknown; of next_order_date "
        "the soonest",
    )
    limit: int = Field(100, ge=1, le=1_000, description="Rows of a JSON page")
    cursor: str | None = Field(None, description="`next_cursor` of the page before")
    format: ListFormat | None = Field(
        None,
        description="Wins over Accept; csv, ndjson and xlsx are the whole list, whatever the limit, "
        "without those who may not be contacted, whom the header Regulars-Left-Out counts; "
        "meta, google: SHA-256 of mail addresses and phone numbers as these platforms take them; "
        "audience: SHA-256 of the mail addresses of those on it who may be contacted",
    )
    lang: Lang | None = Field(
        None,
        description="Language of texts. An Excel file is in words for people, English without it; "
        "columns and codes of CSV are those of the API in every language",
    )

    def filter(self, rule_called: RuleCalled) -> ChurnFilter:
        """What is asked for; `rule_called` finds audiences."""
        return checked_span(
            ChurnFilter(
                risk=tuple(self.risk),
                status=tuple(self.status),
                segments=segment_pairs(self.segment),
                min_value_at_risk=self.min_value_at_risk,
                consent=tuple(self.consent),
                rule=both_of(
                    rule_called(self.audience) if self.audience else None,
                    *map(rule_of_text, filter(None, self.where)),
                ),
                rhythm=tuple(self.rhythm),
                due_from=self.due_from,
                due_until=self.due_until,
                will_buy=tuple(self.will_buy),
            )
        )


def preferred_format(accept: str) -> ListFormat:
    """The format that an Accept header likes best; of equal ones JSON, then CSV."""
    return FORMATS[preferred_type(accept, tuple(FORMATS))]


def json_body(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads the body strictly: one meaning or none."""

    async def read(request: Request) -> Body:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise NotJson
        try:
            return model.model_validate(parsed_json(await request.body()), strict=True)
        except ValidationError as error:
            problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(problems) from None

    return read


def body_schema(model: type[BaseModel]) -> dict[str, object]:
    """What OpenAPI says about a body that `json_body` reads."""
    # what is shared among the applications of a process is not theirs to change
    content = {"application/json": {"schema": dict(_schema(model))}}
    return {"requestBody": {"required": True, "content": content}}


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, object]:
    return model.model_json_schema(ref_template="#/components/schemas/{model}")


def parsed_json(body: bytes) -> Any:
    """What JSON says, where it has one meaning alone; raises `MalformedBody`."""
    try:
        text = body.decode()
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except MalformedBody:
        raise
    except RecursionError:
        raise MalformedBody("It is nested too deeply.") from None
    except ValueError:
        raise MalformedBody("It cannot be parsed as JSON in UTF-8.") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise MalformedBody("An object names the same key twice.")
    return values


def _no_constant(_name: str) -> Any:
    raise MalformedBody("NaN and Infinity are not JSON.")
