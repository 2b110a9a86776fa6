"""Addresses of databases as they may be shown and kept."""

import re


def without_password(address: str) -> str:
    """A file name as it is, a URL without passwords, of its user or among its parameters.

    >>> without_password("postgresql://ann:s@cret@db,db2:5433/shop?sslpassword=x&sslmode=require")
    'postgresql://ann@db,db2:5433/shop?sslmode=require'
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    user, at, hosts = authority.rpartition("@")
    path, mark, query = rest.removeprefix(authority).partition("?")
    shown = [
        parameter
        for parameter in query.split("&")
        if not parameter.partition("=")[0].lower().endswith("password")
    ]
    name = user.partition(":")[0]
    return f"{scheme}://{name}{at}{hosts}{path}{mark if shown else ''}{'&'.join(shown)}"
