"""A file that says on which day contracts ended is proposed as one of contracts."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.orders.log import check_orders, read_orders
from features.proposal import propose
from features.settings.loading import settings_from
from features.sources import open_source
from serving.settings import Settings

FIRST = date(2023, 1, 1)
END = FIRST + timedelta(days=800)


def premiums(*, every: int = 30, written: str = "%Y-%m-%d") -> pd.DataFrame:
    """Premiums of a hundred policies, each row with what is known of its policy today."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(100):
        began = FIRST + timedelta(days=int(rng.integers(0, 300)))
        ended = began + timedelta(days=int(rng.integers(60, 1_200)))
        end = ended if ended < END else None
        known = {
            "policy_no": f"P{number:03d}",
            "premium": 19.0 + number % 7,
            "policy_start": began.strftime(written),
            "cancelled_on": end.strftime(written) if end else "",
            "term_months": 12 if every > 300 else 1,
        }
        rows += [
            {"premium_date": (began + timedelta(days=day)).isoformat(), **known}
            for day in range(0, ((end or END) - began).days, every)
        ]
    return pd.DataFrame(rows)


def proposal_of(lines: pd.DataFrame, folder, **columns):
    lines.to_csv(folder / "premiums.csv", index=False)
    named = {"customer_id": "policy_no", "ordered_at": "premium_date", **columns}
    return propose(str(folder / "premiums.csv"), relative_to=folder, columns=named)


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%d.%m.%Y"])
def test_contracts_are_proposed_and_read(tmp_path, written):
    lines = premiums(written=written)
    proposal = proposal_of(lines, tmp_path)
    customers = proposal.settings["data"]["customers"]
    assert customers["cancelled_on"] == "cancelled_on"
    assert customers["started_on"] == "policy_start"
    assert customers["term_months"] == "term_months"
    assert proposal.settings["predict"]["churn"] == "cancellation"
    assert proposal.settings["predict"]["contract_days"] == 30
    assert "none_when_filled" not in proposal.settings["data"]["rules"]
    assert any("when contracts began and ended" in note for note in proposal.notes)

    settings = settings_from(proposal.settings, Settings, root=tmp_path)
    with check_orders(settings) as report:
        assert not report.refusals
        assert report.rows_used == len(lines)
    with read_orders(settings, open_source("premiums.csv", tmp_path)) as log:
        features = build_features(log, log.end)
    of_policy = lines.groupby("policy_no")["cancelled_on"].first()
    assert features["is_cancelled"].sum() == (of_policy != "").sum()
    assert features["contract_age_days"].notna().all()


def test_yearly_payments_are_contracts_of_a_year(tmp_path):
    proposal = proposal_of(premiums(every=365), tmp_path)
    assert proposal.settings["predict"]["contract_days"] == 365


def test_an_end_that_customers_outlive_is_none(tmp_path):
    """Orders after the day say that something else ended on it."""
    lines = premiums().assign(cancelled_on="2023-02-01")
    half = lines["policy_no"].str[-1].astype(int) < 5
    proposal = proposal_of(
        lines.assign(cancelled_on=lines["cancelled_on"].where(half, "")), tmp_path
    )
    assert "customers" not in proposal.settings["data"]
    assert proposal.settings["predict"].get("churn", "silence") == "silence"


def test_the_cancellation_of_an_order_is_no_contract(tmp_path):
    """One order of many customers was cancelled, on its day; their others were not."""
    lines = premiums().drop(columns=["policy_start", "term_months"])
    cancelled = np.random.default_rng(3).random(len(lines)) < 0.05
    lines = lines.assign(cancelled_on=lines["premium_date"].where(cancelled, ""))
    proposal = proposal_of(lines, tmp_path)
    assert "customers" not in proposal.settings["data"]
    assert proposal.settings["data"]["rules"]["none_when_filled"] == ["cancelled_on"]
