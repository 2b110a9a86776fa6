"""Hashed audiences: how a shop tells an advertising platform whom, without telling who.

Platforms compare SHA-256 of the mail address in lower case without blanks around it. Where no
address is known, a keyed hash of the customer's id stands for it: fit for a system that holds
the same key, and for nobody else.
"""

import hmac
from hashlib import sha256


def contact_hash(contact: str) -> str | None:
    """SHA-256 of a mail address as platforms normalise it; None for what is no mail address.

    >>> contact_hash(" Ann@Example.org ") == contact_hash("ann@example.org")
    True
    >>> contact_hash("+44 20 7946 0000") is None
    True
    """
    address = contact.strip().lower()
    name, at, host = address.partition("@")
    if not (name and at and "." in host) or any(sign.isspace() for sign in address):
        return None
    return sha256(address.encode()).hexdigest()


def id_hash(customer_id: str, key: str) -> str:
    """HMAC-SHA-256 of the id under the campaign's key, in hexadecimal."""
    return hmac.new(key.encode(), customer_id.encode(), sha256).hexdigest()
