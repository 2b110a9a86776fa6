"""What a caller would rather have, from the headers of a request (RFC 9110)."""

from collections.abc import Sequence

from babel.core import negotiate_locale
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from features.language.languages import SOURCE, Language, languages


def preferred_language(accept_language: str) -> Language:
    """The language that a browser asks for first among ours.

    >>> preferred_language("fr, zh-CN;q=0.9, en;q=0.8")
    'zh'
    """
    accepted = parse_accept_header(accept_language, LanguageAccept)
    accepted_names = [name.lower() for name, quality in accepted if quality > 0]
    return negotiate_locale(accepted_names, languages(), sep="-") or SOURCE


def preferred_type(accept: str, types: Sequence[str]) -> str:
    """The one of `types` that is liked best; of equal ones, and if none is liked, the first.

    >>> preferred_type("text/html, text/csv;q=0.5", ["application/json", "text/csv"])
    'text/csv'
    """
    return parse_accept_header(accept, MIMEAccept).best_match(types, types[0])
