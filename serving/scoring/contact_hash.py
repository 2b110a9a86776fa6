"""A hash of a mail address by which an advertising platform knows the customer.

Platforms compare SHA-256 of the address in lower case without blanks around it.
"""

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
