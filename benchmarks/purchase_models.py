"""CPU seconds of one fit, ours beside lifetimes: `python -m benchmarks.purchase_models ours bg 200000`.

Each fit in a process of its own. lifetimes belongs into an environment of its own; there this file
needs nothing of the project.
"""

import resource
import sys

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


def models(whose: str) -> dict[str, type]:
    if whose == "ours":
        import regulars

        names = ("BetaGeometricModel", "ParetoNBDModel", "GammaGammaModel")
        library: object = regulars
    else:
        import lifetimes  # type: ignore[import-untyped]

        names, library = ("BetaGeoFitter", "ParetoNBDFitter", "GammaGammaFitter"), lifetimes
    return dict(
        zip(("bg", "pareto", "gg"), (getattr(library, name) for name in names), strict=True)
    )


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    whose, name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    frequency, recency, observed, value = customers(size)
    model = models(whose)[name]()
    started = cpu_seconds()
    if name == "gg":
        model.fit(frequency[frequency > 0], value[frequency > 0])
    else:
        model.fit(frequency, recency, observed)
    print(f"{whose} {name} {size:,}: {cpu_seconds() - started:.2f} CPU s", dict(model.params_))
