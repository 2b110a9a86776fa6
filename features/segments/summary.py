"""How large each group is and what it is worth."""

import pandas as pd

MONEY = ("spend", "clv")


def summarise(groups: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Size and value of every group of every system.

    Parameters
    ----------
    groups : one row per customer, one text column per system
    customers : the same customers with `spend` (net, in all) and, where known, `clv`

    Returns
    -------
    One row per system and group, in the order of the columns, within a system by value: `system`
    (the column), `group`, `customers`, `customers_share`, and for `spend` and, where given,
    `clv` the sum and its share of all (`spend_share`, NaN where nothing was spent).
    """
    money = customers[[name for name in MONEY if name in customers]]
    tables = [_one(groups[system], money) for system in groups]
    if not tables:
        tables = [_one(pd.Series(dtype="str", name="system"), money.head(0)).head(0)]
    return pd.concat(tables, ignore_index=True)


def _one(group: "pd.Series[str]", money: pd.DataFrame) -> pd.DataFrame:
    key = group.to_numpy()
    sums = money.groupby(key).sum()
    table = pd.DataFrame({"customers": group.groupby(key).size()})
    table["customers_share"] = table["customers"] / len(group)
    for name in money:
        table[name] = sums[name]
        total = sums[name].sum()
        table[f"{name}_share"] = sums[name] / total if total else float("nan")
    table = table.rename_axis("group").reset_index()
    table.insert(0, "system", str(group.name))
    return table.sort_values(["spend", "group"], ascending=[False, True], ignore_index=True)
