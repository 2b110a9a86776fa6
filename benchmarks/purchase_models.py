"""CPU seconds of one fit, ours beside peers: `python -m benchmarks.purchase_models ours bg 200000`.

Whose: `ours`, `lifetimes`, `pymc` (pymc-marketing's maximum a posteriori) or `posterior` (its
NUTS, 4 chains). Each fit in a process of its own. Peers belong into an environment of their own;
there this file needs nothing of the project.
"""

import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np


def customers(size: int) -> tuple[np.ndarray, ...]:
    """Frequency, recency, T and mean value of made-up customers, in whole days."""
    rng = np.random.default_rng(1)
    observed = rng.uniform(180, 360, size).round()
    rate, leaving = rng.gamma(0.6, 1 / 20, size), rng.gamma(0.6, 1 / 80, size)
    life = np.minimum(rng.exponential(1 / leaving), observed)
    frequency = rng.poisson(rate * life).astype(float)
    latest = life * rng.beta(np.maximum(frequency, 1), 1)
    recency = np.where(frequency > 0, latest, 0).round()
    frequency[recency == 0] = 0
    value = rng.gamma(6, 1, size) * rng.gamma(3, 2, size) + 1
    return frequency, recency, observed, value


NAMES = {
    "ours": ("BetaGeometricModel", "ParetoNBDModel", "GammaGammaModel"),
    "lifetimes": ("BetaGeoFitter", "ParetoNBDFitter", "GammaGammaFitter"),
    "pymc": ("BetaGeoModel", "ParetoNBDModel", "GammaGammaModel"),
}
PACKAGES = {"ours": "regulars", "lifetimes": "lifetimes", "pymc": "pymc-marketing"}


def fit_of(whose: str, name: str, data: tuple[np.ndarray, ...]) -> Callable[[], Any]:
    """A function that fits a model and returns its parameters; imports are done before."""
    frequency, recency, observed, value = data
    library = "pymc" if whose == "posterior" else whose
    kind = NAMES[library][("bg", "pareto", "gg").index(name)]
    if library == "pymc":
        import pandas as pd
        from pymc_marketing import clv  # type: ignore[import-not-found]

        table = pd.DataFrame(
            {"frequency": frequency, "recency": recency, "T": observed, "monetary_value": value}
        ).reset_index(names="customer_id")
        if name == "gg":
            table = table[table["frequency"] > 0][["customer_id", "frequency", "monetary_value"]]
        else:
            table = table.drop(columns="monetary_value")

        def fit() -> Any:
            model = getattr(clv, kind)(data=table)
            if whose == "pymc":
                model.fit(method="map", progressbar=False)
            else:
                model.fit(method="mcmc", chains=4, cores=2, random_seed=1, progressbar=False)
            return model.fit_summary()

        return fit
    if library == "ours":
        import regulars as models
    else:
        import lifetimes as models  # type: ignore[import-untyped,no-redef]
    model = getattr(models, kind)()
    repeat = frequency > 0
    columns = (frequency[repeat], value[repeat]) if name == "gg" else (frequency, recency, observed)
    return lambda: dict(model.fit(*columns).params_)


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    whose, name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    fit = fit_of(whose, name, customers(size))
    started, at = cpu_seconds(), time.monotonic()
    parameters = fit()
    package = PACKAGES.get(whose, PACKAGES["pymc"])
    print(
        f"{whose} {name} {size:,}: {cpu_seconds() - started:.2f} CPU s, "
        f"{time.monotonic() - at:.1f} s ({package} {version(package)})\n{parameters}"
    )
