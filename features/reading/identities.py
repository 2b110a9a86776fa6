"""One person, many cards: the identities table, resolved before anything is counted.

The table says of a card or account whose it is. Customers of the table may be cards in
turn (a → b → c): all of them are one person, known by the last. What the table does not
name stays as it is. It is knowledge of today, applied to the whole past: it says who
somebody is, not what somebody did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

Conflicts = Literal["refuse", "apart", "merge"]


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Attributes
    ----------
    persons : one row per id of the table: `card_id` and the `customer_id` it stands for
        (its own where it stands for itself), in order of `card_id`
    conflicts : cards of several customers, in order, each with its customers
    """

    persons: pd.DataFrame
    conflicts: tuple[tuple[str, tuple[str, ...]], ...]


def resolve(links: pd.DataFrame, *, conflicts: Conflicts) -> Resolution:
    """Resolve chains, circles and conflicts of an identities table.

    Parameters
    ----------
    links : `card_id` and `customer_id`, text without missing values
    conflicts : what becomes of a card of two customers: 'merge' takes it as the sign that they
        are one person; otherwise it is left apart, a customer of its own (and 'refuse' leaves
        it to the caller to stop)

    Returns
    -------
    A person is known by the id that is nobody's card; by the first in order where there are
    several (merged) or none (a circle).
    """
    pairs = links[links["card_id"] != links["customer_id"]].drop_duplicates()
    customers = pairs.groupby("card_id")["customer_id"].agg(list)
    several = customers[customers.map(len) > 1]
    joined = pairs if conflicts == "merge" else pairs[~pairs["card_id"].isin(several.index)]
    ids = pd.Index(sorted({*links["card_id"], *links["customer_id"]}), dtype=object)
    group = _groups(ids, joined)
    named_by = pd.DataFrame(
        {"card_id": ids, "group": group, "is_card": ids.isin(joined["card_id"])}
    )
    heads = named_by.sort_values(["group", "is_card", "card_id"]).drop_duplicates("group")
    name = heads.set_index("group")["card_id"]
    persons = pd.DataFrame({"card_id": ids, "customer_id": name.loc[pd.Index(group)].to_numpy()})
    return Resolution(
        persons,
        tuple((str(card), tuple(sorted(names))) for card, names in several.sort_index().items()),
    )


def _groups(ids: pd.Index[str], pairs: pd.DataFrame) -> npt.NDArray[np.int32]:
    """The number of the person behind each of `ids`, from pairs that are one person."""
    # only shops with an identities table pay for its import
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = (ids.get_indexer(pd.Index(pairs[name])) for name in ("card_id", "customer_id"))
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (rows, columns)), shape=(len(ids),) * 2)
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int32)


def load_persons(connection: duckdb.DuckDBPyConnection, conflicts: Conflicts) -> Resolution:
    """Make `persons` (`card_id`, `customer_id`) from `identity_links`; see `resolve`."""
    links = connection.execute("SELECT card_id, customer_id FROM identity_links").df()
    resolution = resolve(links, conflicts=conflicts)
    connection.register("resolved_persons", resolution.persons)
    connection.execute("CREATE TABLE persons AS SELECT * FROM resolved_persons")
    connection.unregister("resolved_persons")
    connection.execute("DROP TABLE identity_links; DROP TABLE account_links")
    return resolution
