"""What the page of models says in sentences."""

from serving.models.in_short import short_verdicts
from serving.web.words import Words


def money(amount):
    return f"£{amount:.0f}"


def tenths(*pairs):
    return [{"said": said, "happened": happened} for said, happened in pairs]


def told(tests, promise):
    return {
        verdict.model: (verdict.grade, verdict.text)
        for verdict in short_verdicts(Words("en"), tests, promise, money)
    }


def entry(measure, model, rule, grade="B"):
    folds = [
        {"metrics": {"model": {measure: one}, "rule": {measure: other}}}
        for one, other in zip(model, rule, strict=True)
    ]
    return {"grade": grade, "backtest": {"baseline": "rule", "folds": folds}}


def test_shares_are_of_a_hundred_customers():
    bands = [
        {"band": "critical", "customers": 29, "happened": 29},
        {"band": "high", "customers": 40, "happened": 10},
    ]
    promise = {
        "source": "runs",
        "bands": bands,
        "runs": [
            {"value_said": 100.0, "value_happened": 110.0},
            {"value_said": 100.0, "value_happened": 80.0},
        ],
        "churn": {"deciles": tenths((0.1, 0.0), (0.9, 0.8))},
        "value": {"deciles": tenths((1.0, 2.0), (50.0, 40.0))},
    }
    models = {"churn": {"grade": "A"}, "recommendation": entry("hit_at_10", [0.5, 0.7], [0.4, 0.4])}
    texts = told({"models": models}, promise)
    assert texts["churn"] == (
        "A",
        "Of 100 customers whom earlier runs called “High”, 25 did not come back.",
    )
    # 10 % and 20 % off
    assert "predicted to bring £50 each and brought £40" in texts["value"][1]
    assert "off by 15% on average" in texts["value"][1]
    assert texts["recommendation"][1].startswith("60 of 100 customers")
    assert "next_purchase" not in texts


def test_before_any_outcome_the_backtest_speaks_and_without_it_nothing():
    promise = {
        "source": "backtest",
        "bands": [],
        "runs": [],
        "churn": {"deciles": tenths((0.1, 0.02), (0.9, 0.8))},
        "value": {"deciles": []},
    }
    dates = {"next_purchase": entry("date_mae_days", [8.0, 10.0], [12.0, 12.0])}
    texts = told({"models": dates}, promise)
    assert (
        "highest risk, 80 did not come back; in the tenth with the lowest, 2." in texts["churn"][1]
    )
    assert "off by 9 days on average (rule of thumb: 12 days)" in texts["next_purchase"][1]
    assert told(None, None) == {}
