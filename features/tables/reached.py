"""What is known of how a customer can be reached; without the engine, for the server."""

import re
from dataclasses import dataclass

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class ContactDetails:
    """What the shop's table says of a customer today; None where it does not."""

    consent: bool | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None


def mail_address(text: str | None) -> str | None:
    """The text where it is a mail address, without blanks around it.

    >>> mail_address(" Ann@Example.org "), mail_address("12 High Street")
    ('Ann@Example.org', None)
    """
    address = (text or "").strip()
    return address if _MAIL.fullmatch(address) else None
