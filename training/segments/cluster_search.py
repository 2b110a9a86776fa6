"""Finding clusters: k-means on scaled behaviour, the number chosen by stability.

A number of clusters is good if the same clusters are found again: k-means is repeated on bootstrap
resamples, each result puts all customers into clusters, and the adjusted Rand index
(L. Hubert and P. Arabie, "Comparing Partitions", Journal of Classification 2, 1985) measures
its agreement with the first (U. von Luxburg, "Clustering Stability: An Overview", 2010). Few
clusters are always the most stable; of the numbers that are nearly as stable as the best, the
largest is chosen, since it tells more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from features.errors import NotEnoughData
from features.segments.clusters import (
    TRAITS,
    Clusters,
    cluster_labels,
    log_behaviour,
    nearest_centre,
    scale,
)
from features.settings.segments import ClusterSearch
from training.errors import BundleError
from training.models.estimator import Floats, read_json, write_json

FILE = "clusters.json"
NEARLY = 0.05
"""A number of clusters is stable enough when it loses no more agreement than this."""
MOST_CUSTOMERS = 20_000
"""Of more a sample is drawn: centres do not get better with them."""
FEWEST_PER_CLUSTER = 10


class ClusterModel:
    """Clusters of like behaviour, as the bundle keeps them.

    Parameters
    ----------
    search : the numbers of clusters to try and the resamples that judge them
    seed : same customers + same seed = same clusters
    """

    name = "clusters"

    def __init__(self, *, search: ClusterSearch, seed: int) -> None:
        self.search = search
        self.seed = seed

    def fit(self, features: pd.DataFrame) -> Self:
        """Find clusters among the customers of a feature table.

        Raises
        ------
        NotEnoughData
            With fewer than ten customers per cluster, or where all behave the same.
        """
        needed = FEWEST_PER_CLUSTER * self.search.fewest
        if len(features) < needed:
            raise NotEnoughData(
                f"{len(features)} customers are too few for {self.search.fewest} clusters; "
                f"{needed} are needed. Lower segments.clusters.fewest."
            )
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng(self.seed)
        if len(features) > MOST_CUSTOMERS:
            features = features.iloc[np.sort(rng.permutation(len(features))[:MOST_CUSTOMERS])]
        columns, centre, spread = _scaling(features)
        scaled = scale(features, columns, centre, spread)
        most = min(self.search.most, len(np.unique(scaled, axis=0)))
        if most < self.search.fewest:
            raise NotEnoughData("the customers behave too much alike to be split into clusters.")
        # a single thread always adds in the same order; tables this small gain nothing by more
        with threadpool_limits(limits=1):
            fits = {k: self._centres(scaled, k) for k in range(self.search.fewest, most + 1)}
            stability = {k: self._stability(scaled, centres, rng) for k, centres in fits.items()}
        enough = max(stability.values()) - NEARLY
        chosen = fits[max(k for k, index in stability.items() if index >= enough)]
        self.clusters_ = Clusters(
            columns_used=columns,
            centre=tuple(centre),
            spread=tuple(spread),
            centres=tuple(map(tuple, chosen.tolist())),
            labels=cluster_labels(
                [
                    dict(zip(columns, cluster_centre, strict=True))
                    for cluster_centre in chosen.tolist()
                ]
            ),
            stability={str(k): round(index, 4) for k, index in stability.items()},
        )
        return self

    def save(self, directory: Path) -> None:
        """Write `clusters.json`; `load` assigns the same clusters."""
        settings = {"search": self.search.model_dump(), "seed": self.seed}
        write_json(directory / FILE, {**settings, "clusters": self.clusters_.to_dict()})

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            When it is missing or not clusters.
        """
        value = read_json(directory / FILE)
        try:
            model = cls(search=ClusterSearch(**value["search"]), seed=int(value["seed"]))
            clusters = value["clusters"]
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"{directory / FILE}: not clusters ({type(error).__name__}). Train again."
            ) from None
        try:
            model.clusters_ = Clusters.from_dict(clusters)
        except ValueError as error:
            raise BundleError(f"{directory / FILE}: {error}. Train again.") from None
        return model

    def _centres(self, scaled: Floats, number: int) -> Floats:
        """Centres of k-means, those with the most frequent and recent customers first."""
        from sklearn.cluster import KMeans

        means = KMeans(number, n_init=5, random_state=self.seed).fit(scaled)
        centres = np.asarray(means.cluster_centers_, dtype=float)
        return centres[np.lexsort(centres.T[::-1])[::-1]]

    def _stability(self, scaled: Floats, centres: Floats, rng: np.random.Generator) -> float:
        """Mean agreement of the clusters with those found in resamples, 1 = the same."""
        from sklearn.metrics import adjusted_rand_score

        whole = nearest_centre(scaled, centres)
        agreements = []
        for _ in range(self.search.resamples):
            resample = scaled[rng.integers(len(scaled), size=len(scaled))]
            centres_again = self._centres(resample, len(centres))
            agreements.append(adjusted_rand_score(whole, nearest_centre(scaled, centres_again)))
        return float(np.mean(agreements))


def _scaling(features: pd.DataFrame) -> tuple[tuple[str, ...], list[float], list[float]]:
    """The columns whose values differ, and mean and standard deviation of their logarithms."""
    present = tuple(name for name in TRAITS if name in features and features[name].notna().any())
    logs = log_behaviour(features, present)
    centre, spread = np.nanmean(logs, axis=0), np.nanstd(logs, axis=0)
    differ = spread > 1e-9
    columns = tuple(name for name, good in zip(present, differ, strict=True) if good)
    return columns, centre[differ].tolist(), spread[differ].tolist()
