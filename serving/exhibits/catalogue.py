"""The one catalogue of exhibits. To add an exhibit: a file here, a line below."""

import json
from collections.abc import Callable
from typing import Any

from babel.numbers import get_currency_precision

from features.orders.log import OrderLog
from serving.exhibits import (
    backtests,
    drift,
    expected,
    last_year,
    levels,
    lorenz,
    margin,
    monthly,
    newcomers,
    promise,
    revenue_ahead,
    rfm_map,
    since_last_run,
    versions_compared,
)
from serving.exhibits.assets import ledger as asset_ledger
from serving.exhibits.assets.past_values import values_before
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.exhibits.goods import bought_together, growth_share, looked_at
from serving.exhibits.lifetime import groups as lifetime_groups
from serving.exhibits.loyalty import cohort_margin, cohorts, contract_survival, funnel, loss
from serving.exhibits.past import past_runs, run_before, said_before
from serving.exhibits.scores import bands, weights
from serving.exhibits.voice import nps, service, shop_indices
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from serving.store.protocol import ScoreReader
from training.bundle.publication import Models
from training.repetition import LAST_TRAINING
from training.version_comparison import COMPARISONS

ExhibitBodies = Callable[[str, str], bytes | None]

EXHIBITS: tuple[ExhibitMaker, ...] = (
    monthly.EXHIBIT,
    last_year.EXHIBIT,
    expected.EXHIBIT,
    expected.BY_GROUP,
    newcomers.EXHIBIT,
    revenue_ahead.EXHIBIT,
    asset_ledger.EXHIBIT,
    since_last_run.EXHIBIT,
    lorenz.EXHIBIT,
    rfm_map.EXHIBIT,
    levels.EXHIBIT,
    bands.EXHIBIT,
    weights.EXHIBIT,
    margin.EXHIBIT,
    lifetime_groups.TERMS,
    lifetime_groups.PROFIT,
    cohorts.EXHIBIT,
    cohort_margin.EXHIBIT,
    loss.EXHIBIT,
    funnel.EXHIBIT,
    contract_survival.EXHIBIT,
    nps.EXHIBIT,
    service.EXHIBIT,
    shop_indices.EXHIBIT,
    growth_share.EXHIBIT,
    bought_together.EXHIBIT,
    looked_at.EXHIBIT,
    promise.EXHIBIT,
    drift.EXHIBIT,
    backtests.EXHIBIT,
    versions_compared.EXHIBIT,
)


def exhibits_of(
    log: OrderLog[Settings],
    run: ScoreRun,
    models: Models,
    store: ScoreReader | None = None,
    body_of: ExhibitBodies | None = None,
) -> dict[str, object]:
    """Everything that the run shows as a whole, by name, ready for JSON.

    Parameters
    ----------
    log : the orders that the run was made from
    run : its scores and features; customers who are erased are no longer in it
    models : that made it
    store : where earlier runs are kept; None: there are none
    body_of : the JSON of their exhibits, by run and name; None: there are none
    """
    scores = run.scores.set_index("customer_id")
    scene = Scene(
        log=log,
        info=run.info,
        scores=scores,
        features=run.features.loc[scores.index],
        past=() if store is None else past_runs(log, store, run.info.as_of),
        before=None if store is None else run_before(store, run.info),
        values_before=None if store is None else values_before(store, run.info),
        manifest=models.manifest,
        value=models.value,
        evidence=models.evidence,
        last_training=_beside_bundles(log, LAST_TRAINING),
        compared_versions=_beside_bundles(log, COMPARISONS) or {},
        digits=get_currency_precision(run.info.currency),
        said_before=said_before(store, body_of, run.info) if store and body_of else (),
    )
    for exhibit in EXHIBITS:
        scene.made[exhibit.name] = exhibit.body(scene)
    return dict(scene.made)


def _beside_bundles(log: OrderLog[Settings], name: str) -> Any:
    """What a training left beside the bundles under this name; None where it left nothing."""
    settings = log.settings
    try:
        text = (settings.path(settings.store.bundles) / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return json.loads(text)
