"""Audiences as Meta and Google take them: mail addresses and phone numbers, normalised and hashed.

Meta (customer list of a custom audience): columns `email` and `phone`; addresses without blanks
around them, in lower case; numbers as digits alone, with the code of the country and without leading
zeros. Google (Customer Match): columns `Email` and `Phone`; addresses without blanks, in lower case,
without the full stops before gmail.com and googlemail.com; numbers as E.164 writes them. Both: SHA-256
in hexadecimal.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from features.tables.reached import ContactDetails
from serving.churn_list.lists import csv_bytes

Platform = Literal["meta", "google"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
GOOGLE_HOSTS = ("gmail.com", "googlemail.com")
KEEPS_ZERO = ("39",)
"""Calling codes whose national numbers keep their first 0 (Italy)."""
LEAST_DIGITS, MOST_DIGITS = 8, 15
"""Of an international number (E.164), the code of the country included."""


def meta_mail(address: str) -> str:
    """A mail address as Meta takes it.

    >>> meta_mail(" Ann.Lee@Gmail.com ")
    'ann.lee@gmail.com'
    """
    return address.strip().lower()


def google_mail(address: str) -> str:
    """A mail address as Google takes it.

    >>> google_mail(" Ann.Lee@Gmail.com "), google_mail("Ann.Lee@example.org")
    ('annlee@gmail.com', 'ann.lee@example.org')
    """
    address = "".join(address.split()).lower()
    name, _, host = address.rpartition("@")
    return f"{name.replace('.', '')}@{host}" if host in GOOGLE_HOSTS else address


def international(phone: str, calling_code: str | None) -> str | None:
    """The digits of a number from the code of its country on; None where that is not known.

    Parameters
    ----------
    calling_code : of numbers that begin with neither + nor 00

    >>> international("+44 (0)20 7946 0000", None), international("020 7946 0000", "44")
    ('442079460000', '442079460000')
    >>> international("020 7946 0000", None) is None
    True
    """
    text = phone.strip().replace("(0)", "")
    digits = re.sub(r"\D", "", text)
    if text.startswith("+"):
        pass
    elif digits.startswith("00"):
        digits = digits[2:]
    elif calling_code is None:
        return None
    elif not (calling_code == "1" and len(digits) == 11 and digits.startswith("1")):
        national = digits if calling_code in KEEPS_ZERO else digits.removeprefix("0")
        digits = calling_code + national
    return digits if LEAST_DIGITS <= len(digits) <= MOST_DIGITS and digits[0] != "0" else None


@dataclass(frozen=True)
class _Layout:
    columns: tuple[str, str]
    mail: Callable[[str], str]
    phone_sign: str


_LAYOUTS: Mapping[Platform, _Layout] = {
    "meta": _Layout(("email", "phone"), meta_mail, ""),
    "google": _Layout(("Email", "Phone"), google_mail, "+"),
}


def platform_row(
    details: ContactDetails, platform: Platform, calling_code: str | None
) -> tuple[str | None, str | None] | None:
    """The hashes of somebody's mail address and number; None where neither is known."""
    layout = _LAYOUTS[platform]
    mail = None if details.email is None else _hash(layout.mail(details.email))
    digits = None if details.phone is None else international(details.phone, calling_code)
    phone = None if digits is None else _hash(layout.phone_sign + digits)
    return None if mail is phone is None else (mail, phone)


def platform_lines(
    rows: Iterable[tuple[str | None, str | None]], platform: Platform
) -> Iterator[bytes]:
    """The file that a platform takes: one line per customer, nobody's name or id."""
    yield csv_bytes([list(_LAYOUTS[platform].columns)])
    # in the order of the hashes: a place in the file tells nothing
    for row in sorted(rows, key=lambda pair: (pair[0] or "", pair[1] or "")):
        yield csv_bytes([list(row)])


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
