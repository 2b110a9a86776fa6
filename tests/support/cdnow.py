"""The CDNOW sample, read as text from an installed development dependency.

2,357 customers of an online music shop who first bought in the first quarter of 1997, with
all their purchases until 1998-06-30: the log on which the published estimates rest. The
package that carries it is located but never imported.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

CALIBRATION_END = pd.Timestamp("1997-09-30")


def purchase_days() -> pd.DataFrame:
    """One row per customer and day: `customer_id`, `day`, `dollars`."""
    package = find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    lines = pd.read_csv(
        Path(package.origin).parent / "datasets" / "CDNOW_sample.txt",
        sep=r"\s+",
        header=None,
        names=["master_id", "customer_id", "day", "units", "dollars"],
        dtype={"master_id": str, "customer_id": str, "day": str},
    )
    lines["day"] = pd.to_datetime(lines["day"], format="%Y%m%d")
    return lines.groupby(["customer_id", "day"], as_index=False)["dollars"].sum()


def calibration_weeks() -> pd.DataFrame:
    """The summary through 1997-09-30, time in weeks; index `customer_id`."""
    days = purchase_days()
    bought = days[days["day"] <= CALIBRATION_END].groupby("customer_id")["day"]
    first, last = bought.min(), bought.max()
    return pd.DataFrame(
        {
            "x": bought.count() - 1,
            "t_x": (last - first).dt.days / 7,
            "T": (CALIBRATION_END - first).dt.days / 7,
        }
    )


def repeat_spend() -> pd.DataFrame:
    """`orders`, `mean_value` of the repeat purchase days of calibration, per repeat buyer."""
    days = purchase_days()
    days = days[days["day"] <= CALIBRATION_END].sort_values(["customer_id", "day"])
    repeats = days[days["customer_id"].duplicated()]
    return repeats.groupby("customer_id")["dollars"].agg(orders="count", mean_value="mean")
