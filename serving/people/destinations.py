"""Where somebody is led after signing in: a page of ours, and never elsewhere."""

from urllib.parse import unquote, urlsplit

MOST_SIGNS = 2_000
WAYS_IN = ("/sign-in", "/sign-out", "/invitation")
"""Whoever has just signed in is led nowhere from where they would have to do it again."""


def local_path(text: str) -> str:
    r"""`text` if it is a path of this server, with or without a query; else `/`.

    Browsers take `//host` and `/\host` for another host, and leave out tabs and line ends.
    """
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \\")
    if not plain or not text.startswith("/") or text.startswith("//") or len(text) > MOST_SIGNS:
        return "/"
    path = unquote(urlsplit(text).path)
    climbs = {".", ".."} & set(path.split("/"))
    return "/" if climbs or path.startswith(WAYS_IN) else text
