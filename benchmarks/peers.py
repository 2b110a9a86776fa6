"""Other people's purchase-process models, fitted by an interpreter of their own.

Their requirements clash with the project's, so they get an environment apart and every fit
a process apart, which this file also is the program of:

    python3.12 -m venv PEERS && PEERS/bin/pip install -r benchmarks/peers.txt
    python -m benchmarks process --data FOLDER --peers-python PEERS/bin/python

From another benchmark:

    for peer in PEERS:
        result = run_peer(python, peer, summary, days=90)   # None and a word where absent
        if result and not result.failure:
            result.predictions[["expected_orders", "p_alive", "p_no_order"]]

`summary` holds one row per customer with `x`, `t_x`, `T`, and for a forecast of the order
value `value_orders` (how many orders the mean is of, as the peer wants it: the repeat ones)
and `mean_value`. `days` and the summary share a unit. A peer gets what its manual advises: no
penalty, and one of 0.01 where it then says that it did not converge.

P(no order) of the beta-geometric models is computed here from the peer's own parameters and
its own P(alive), since lifetimes has no such method and pymc-marketing's is not that
probability (of BG/NBD: .927 where simulation gives .856).
"""

import importlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PENALTIES = (0.0, 0.01)


@dataclass(frozen=True)
class Peer:
    library: str
    model: str

    def __str__(self) -> str:
        return f"{self.library} {self.model}"


PEERS = [
    Peer(library, model)
    for library in ("lifetimes", "pymc-marketing")
    for model in ("BG/NBD", "MBG/NBD", "Pareto/NBD")
]


@dataclass(frozen=True)
class PeerResult:
    """What a peer did; CPU-seconds include the compilers it starts, not the import.

    `failure` is the peer's own last word if it gave no model, else None; `predictions` has
    the rows of the summary and `expected_orders`, `p_alive`, `p_no_order`, and
    `expected_value` where order values were given.
    """

    parameters: dict[str, float]
    import_cpu_seconds: float
    fit_cpu_seconds: float
    predict_cpu_seconds: float
    penalty: float
    failure: str | None
    predictions: pd.DataFrame


def run_peer(
    python: str | Path | None, peer: Peer, summary: pd.DataFrame, *, days: float
) -> PeerResult | None:
    """Fit and predict in the peers' interpreter; None, with a printed word, where absent."""
    if python is None:
        print(f"{peer}: skipped, no --peers-python given")
        return None
    with tempfile.TemporaryDirectory() as folder:
        summary.to_csv(Path(folder) / "summary.csv", index=False)
        asked = [str(python), __file__, folder, peer.library, peer.model, str(days)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            last_word = (done.stderr.strip().splitlines() or ["no word"])[-1]
            print(f"{peer}: skipped, {last_word}")
            return None
        answer = json.loads((Path(folder) / "result.json").read_text())
        predictions = pd.read_csv(Path(folder) / "predictions.csv", index_col=0)
    return PeerResult(**answer, predictions=predictions.set_axis(summary.index))


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    before = _cpu_seconds()
    done = work(*arguments)
    return done, _cpu_seconds() - before


def _work(folder: Path, peer: Peer, days: float) -> None:
    summary = pd.read_csv(folder / "summary.csv")
    side = {"lifetimes": _Lifetimes, "pymc-marketing": _PymcMarketing}[peer.library]
    adapter, import_seconds = _timed(side, peer.model)
    failure, penalty, fit_seconds = "not tried", 0.0, 0.0
    for penalty in adapter.penalties:
        try:
            _, fit_seconds = _timed(adapter.fit, summary, penalty)
        except Exception as error:  # noqa: BLE001 - a peer may fail in any way: that is a result
            failure = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        else:
            failure = None
            break
    predictions, predict_seconds = pd.DataFrame(index=summary.index), 0.0
    if failure is None:
        predictions, predict_seconds = _timed(adapter.predict, summary, days)
        if "mean_value" in summary:
            predictions["expected_value"] = adapter.expected_value(summary)
    predictions.to_csv(folder / "predictions.csv")
    answer = {
        "parameters": adapter.parameters if failure is None else {},
        "import_cpu_seconds": import_seconds,
        "fit_cpu_seconds": fit_seconds,
        "predict_cpu_seconds": predict_seconds,
        "penalty": penalty,
        "failure": failure,
    }
    (folder / "result.json").write_text(json.dumps(answer))


def _no_order_from_alive(
    p_alive: np.ndarray, summary: pd.DataFrame, days: float, parameters: dict[str, float]
) -> np.ndarray:
    silent_if_alive = (
        (parameters["alpha"] + summary["T"]) / (parameters["alpha"] + summary["T"] + days)
    ) ** (parameters["r"] + summary["x"])
    return np.asarray(1 - p_alive * (1 - silent_if_alive))


class _Lifetimes:
    penalties = PENALTIES

    def __init__(self, model: str) -> None:
        self.library = importlib.import_module("lifetimes")
        self.model = model

    def fit(self, summary: pd.DataFrame, penalty: float) -> None:
        name = {
            "BG/NBD": "BetaGeoFitter",
            "MBG/NBD": "ModifiedBetaGeoFitter",
            "Pareto/NBD": "ParetoNBDFitter",
        }[self.model]
        self.fitter = getattr(self.library, name)(penalizer_coef=penalty)
        self.fitter.fit(summary["x"], summary["t_x"], summary["T"])
        self.parameters = {key: float(value) for key, value in self.fitter.params_.items()}

    def predict(self, summary: pd.DataFrame, days: float) -> pd.DataFrame:
        past = (summary["x"], summary["t_x"], summary["T"])
        expected = self.fitter.conditional_expected_number_of_purchases_up_to_time(days, *past)
        alive = np.asarray(self.fitter.conditional_probability_alive(*past)).ravel()
        if self.model == "Pareto/NBD":
            silent = self.fitter.conditional_probability_of_n_purchases_up_to_time(0, days, *past)
        else:
            silent = _no_order_from_alive(alive, summary, days, self.parameters)
        return pd.DataFrame(
            {"expected_orders": np.asarray(expected), "p_alive": alive, "p_no_order": silent}
        )

    def expected_value(self, summary: pd.DataFrame) -> np.ndarray:
        usable = (summary["value_orders"] > 0) & (summary["mean_value"] > 0)
        orders = summary["value_orders"].where(usable, 0)
        value = summary["mean_value"].where(usable, 0.0)
        for penalty in PENALTIES:
            fitter = self.library.GammaGammaFitter(penalizer_coef=penalty)
            try:
                fitter.fit(orders[usable], value[usable])
            except Exception as error:  # noqa: BLE001 - as above
                print(f"gamma-gamma: {error}")
            else:
                break
        return np.asarray(fitter.conditional_expected_average_profit(orders, value))


class _PymcMarketing:
    penalties = (0.0,)
    """Its default priors are its penalty."""

    def __init__(self, model: str) -> None:
        self.library = importlib.import_module("pymc_marketing.clv")
        self.model = model

    def fit(self, summary: pd.DataFrame, _penalty: float) -> None:
        name = {
            "BG/NBD": "BetaGeoModel",
            "MBG/NBD": "ModifiedBetaGeoModel",
            "Pareto/NBD": "ParetoNBDModel",
        }[self.model]
        self.fitted = self._fitted(name, self._named(summary))
        names = {"Pareto/NBD": ("r", "alpha", "s", "beta")}.get(
            self.model, ("r", "alpha", "a", "b")
        )
        self.parameters = {name: self._posterior_mean(self.fitted, name) for name in names}

    def predict(self, summary: pd.DataFrame, days: float) -> pd.DataFrame:
        named = self._named(summary)
        expected = _flat(self.fitted.expected_purchases(named, future_t=days))
        alive = self._alive(named)
        if self.model == "Pareto/NBD":
            silent = _flat(
                self.fitted.expected_purchase_probability(named, n_purchases=0, future_t=days)
            )
        else:
            silent = _no_order_from_alive(alive, summary, days, self.parameters)
        return pd.DataFrame({"expected_orders": expected, "p_alive": alive, "p_no_order": silent})

    def expected_value(self, summary: pd.DataFrame) -> np.ndarray:
        usable = (summary["value_orders"] > 0) & (summary["mean_value"] > 0)
        named = self._named(summary).assign(
            frequency=summary["value_orders"].where(usable, 0),
            monetary_value=summary["mean_value"].where(usable, 0.0),
        )
        fitted = self._fitted("GammaGammaModel", named[usable])
        return _flat(fitted.expected_customer_spend(named))

    def _fitted(self, name: str, named: pd.DataFrame) -> Any:
        kind = getattr(self.library, name)
        try:
            model = kind()
            model.fit(named, method="map", progressbar=False)
        except TypeError:  # before 1.0 the data went to the constructor
            model = kind(data=named)
            model.fit(method="map", progressbar=False)
        return model

    def _alive(self, named: pd.DataFrame) -> np.ndarray:
        if self.model == "Pareto/NBD":
            return _flat(self.fitted.expected_probability_alive(named, future_t=0))
        return _flat(self.fitted.expected_probability_alive(named))

    @staticmethod
    def _named(summary: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "customer_id": range(len(summary)),
                "frequency": summary["x"],
                "recency": summary["t_x"],
                "T": summary["T"],
            }
        )

    @staticmethod
    def _posterior_mean(fitted: Any, name: str) -> float:
        return float(fitted.idata.posterior[name].mean())


def _flat(answer: Any) -> np.ndarray:
    """One draw of one chain: the values per customer."""
    return np.asarray(answer).reshape(-1)


if __name__ == "__main__":
    _work(Path(sys.argv[1]), Peer(sys.argv[2], sys.argv[3]), float(sys.argv[4]))
