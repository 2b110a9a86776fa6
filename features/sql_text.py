"""Parts of SQL texts: values and names as they are written; no database is needed."""


def identifier(name: str) -> str:
    """`name` quoted as an SQL identifier, whatever it holds.

    >>> identifier('the "id"s')
    '"the ""id""s"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` quoted as an SQL string.

    >>> literal("O'Neill")
    "'O''Neill'"
    """
    return "'" + text.replace("'", "''") + "'"
