"""How predictions are judged. Every function takes arrays of one length, in the same order."""

import numpy as np
import numpy.typing as npt

from training.models.estimator import Floats


def churn_metrics(churned: Floats, probability: Floats) -> dict[str, float]:
    """AUC, PR-AUC, log loss, Brier score, expected calibration error, lift of the top tenth.

    Parameters
    ----------
    churned : 1.0 where no order came, else 0.0
    probability : predicted P(no order)
    """
    bounded = np.clip(probability, 1e-6, 1 - 1e-6)
    varies = 0 < churned.mean() < 1
    top = np.argsort(-probability, kind="stable")[: max(1, len(churned) // 10)]
    return {
        "auc": roc_auc(churned, probability) if varies else float("nan"),
        "pr_auc": average_precision(churned, probability) if varies else float("nan"),
        "log_loss": float(log_loss_per_row(churned, bounded).mean()),
        "brier": float(np.mean((probability - churned) ** 2)),
        "calibration_error": calibration_error(churned, probability),
        "lift_top_10": float(churned[top].mean() / churned.mean()) if varies else float("nan"),
        "predicted_rate": float(probability.mean()),
        "actual_rate": float(churned.mean()),
    }


def roc_auc(happened: Floats, score: Floats) -> float:
    """P(a row where it happened has the higher score), ties counted half; NaN without both kinds."""
    yes, no = _counts_by_score(happened, score)
    if not (yes.sum() and no.sum()):
        return float("nan")
    lower = no.sum() - np.cumsum(no)
    return float(np.sum(yes * (lower + no / 2)) / (yes.sum() * no.sum()))


def average_precision(happened: Floats, score: Floats) -> float:
    """Precision at every distinct score, weighted by the recall it adds; NaN where none happened."""
    yes, no = _counts_by_score(happened, score)
    if not yes.sum():
        return float("nan")
    precision = np.cumsum(yes) / np.cumsum(yes + no)
    return float(np.sum(precision * yes) / yes.sum())


def _counts_by_score(happened: Floats, score: Floats) -> tuple[Floats, Floats]:
    """How often it happened and did not, per distinct score, the highest score first."""
    _, position = np.unique(-score, return_inverse=True)
    yes = np.bincount(position, weights=happened).astype(np.float64)
    return yes, np.bincount(position) - yes


def log_loss_per_row(happened: Floats, probability: Floats) -> Floats:
    """−log of the probability given to what happened."""
    bounded = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(-np.log(np.where(happened == 1, bounded, 1 - bounded)))


def calibration_error(happened: Floats, probability: Floats, bins: int = 10) -> float:
    """Mean |predicted − actual rate| over bins of equal size (ECE)."""
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    gaps = [
        abs(probability[part].mean() - happened[part].mean()) * len(part)
        for part in parts
        if len(part)
    ]
    return float(sum(gaps) / len(happened))


def value_metrics(
    spent: Floats, predicted: Floats, low: Floats | None = None, high: Floats | None = None
) -> dict[str, float]:
    """MAE, RMSE, Spearman, normalised Gini, decile calibration, top-fifth share, bias, coverage.

    `top_20_share` is the part of realised spend that the predicted best fifth brought,
    `bias` predicted ÷ actual total, `coverage` the share of customers within [low, high].
    """
    order = np.argsort(-predicted, kind="stable")
    best = order[: max(1, len(order) // 5)]
    total = float(spent.sum())
    metrics = {
        "mae": float(np.abs(spent - predicted).mean()),
        "rmse": float(np.sqrt(np.mean((spent - predicted) ** 2))),
        "spearman": spearman(spent, predicted),
        "gini": normalised_gini(spent, predicted),
        "decile_error": decile_error(spent, predicted),
        "top_20_share": float(spent[best].sum() / total) if total else float("nan"),
        "bias": float(predicted.sum() / total) if total else float("nan"),
    }
    if low is not None and high is not None:
        inside = (spent >= low - 0.005) & (spent <= high + 0.005)
        metrics["coverage_80"] = float(inside.mean())
    return metrics


def normalised_gini(actual: Floats, predicted: Floats) -> float:
    """Gini of `actual` sorted by `predicted`, ÷ that of the perfect order (1 = perfect).

    As in Wang, Liu & Miao (2019), "A deep probabilistic model for customer lifetime value
    prediction", section 4. Customers tied in `predicted` share their mean of `actual`, which is
    the average over their random orders.
    """
    perfect = _gini(actual, actual)
    return _gini(actual, predicted) / perfect if perfect else float("nan")


def _gini(actual: Floats, predicted: Floats) -> float:
    _, group, counts = np.unique(-predicted, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=actual) / counts
    total = actual.sum()
    if total <= 0:
        return 0.0
    shares = np.cumsum(np.repeat(means, counts)) / total
    return float(shares.mean() - (len(actual) + 1) / (2 * len(actual)))


def decile_error(actual: Floats, predicted: Floats) -> float:
    """Σ over predicted deciles |mean predicted − mean actual|, ÷ Σ mean actual."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), 10)
    pairs = [(predicted[part].mean(), actual[part].mean()) for part in parts if len(part)]
    total = sum(abs(mean) for _, mean in pairs)
    return float(sum(abs(p - a) for p, a in pairs) / total) if total else float("nan")


def spearman(left: Floats, right: Floats) -> float:
    """Rank correlation, ties with their mean rank; NaN where one side is constant."""
    first, second = _mean_ranks(left), _mean_ranks(right)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _mean_ranks(values: Floats) -> Floats:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[group])


def next_order_metrics(
    waited: Floats,
    predicted_days: Floats,
    urgency: Floats,
    horizon_days: int,
    low: Floats | None = None,
    high: Floats | None = None,
) -> dict[str, float]:
    """MAE of the date and coverage among those who ordered within the horizon, concordance of all.

    Parameters
    ----------
    waited : days to the next order; NaN or ≥ horizon: none within it
    predicted_days : predicted days to the next order
    urgency : any score that is smaller the sooner the order (for the concordance)

    Returns
    -------
    The measures; NaN for those that need an order, where nobody ordered.
    """
    ordered = waited < horizon_days
    metrics = {
        "date_mae_days": _mean(np.abs(waited - predicted_days)[ordered]),
        "concordance": concordance(np.where(ordered, waited, horizon_days), ordered, urgency),
    }
    if low is not None and high is not None:
        inside = (waited >= low) & (waited <= high)
        metrics["coverage_80"] = _mean(inside[ordered].astype(float))
    return metrics


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def concordance(
    times: Floats, observed: npt.NDArray[np.bool_], predicted: Floats, most_rows: int = 4000
) -> float:
    """Harrell's C: of the pairs whose order is known, how many are predicted in that order.

    Parameters
    ----------
    times : time of the event or of censoring
    observed : whether the event was observed
    predicted : smaller = sooner; ties count half
    most_rows : above this many rows, an evenly spaced part of them is compared
    """
    if len(times) > most_rows:
        keep = np.linspace(0, len(times) - 1, most_rows).astype(int)
        times, observed, predicted = times[keep], observed[keep], predicted[keep]
    ordered = observed[:, None] & (
        (times[:, None] < times) | ((times[:, None] == times) & ~observed[None, :])
    )
    right = (predicted[:, None] < predicted) + 0.5 * (predicted[:, None] == predicted)
    pairs = ordered.sum()
    return float((right * ordered).sum() / pairs) if pairs else float("nan")
