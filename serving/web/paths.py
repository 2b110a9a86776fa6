"""A customer's id as one part of a path, there and back."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path
from pydantic import AfterValidator

IMPORTS = "/v1/imports"
"""Takes larger bodies than all others."""

UPLOADS = ("/jobs/orders", "/start/file")
"""Pages that take files of orders, which they count themselves to say what is too large."""


def path_part(customer_id: str) -> str:
    """`customer_id` percent-encoded, its slashes too."""
    return quote(customer_id, safe="")


def decoded_part(raw: str) -> str:
    """A part of a path as it was before `path_part`; a `ValueError` where it is no UTF-8."""
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("percent-encoded bytes must be UTF-8") from None


CustomerId = Annotated[
    str,
    Path(
        min_length=1,
        description="The shop's own id, percent-encoded: a slash in it is written %2F",
    ),
    AfterValidator(decoded_part),
]
"""A path parameter; the paths that routes see are still encoded, see `serving.web.limits.guard`."""

ItemId = Annotated[
    str,
    Path(
        min_length=1,
        description="The product's id, or the category's name, percent-encoded: a slash in it is "
        "written %2F",
    ),
    AfterValidator(decoded_part),
]
"""The same of a product or a category."""
