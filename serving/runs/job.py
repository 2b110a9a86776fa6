"""Scoring and publishing a shop, from its orders to what readers see."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from features.orders.kept_log import read_kept_orders
from features.orders.log import OrderLog
from features.sql import working_folder
from serving.campaigns.decisions.measured_treatment import measured_treatment
from serving.campaigns.decisions.next_rounds import make_next_rounds
from serving.campaigns.measuring import measure_campaigns, measured_save_rate
from serving.campaigns.store import CampaignStore
from serving.campaigns.targeting import targeting_of
from serving.errors import NoRun
from serving.exhibits.catalogue import exhibits_of
from serving.exhibits.store import ExhibitStore
from serving.live.context import RunContext, context_file, write_context
from serving.live.handover import SentSoFar
from serving.live.store import LiveStore
from serving.privacy.erasure import CustomerFiles, Erased
from serving.privacy.store import ErasureStore
from serving.runs.files import written_aside
from serving.runs.gates import (
    figures_of_orders,
    figures_of_scores,
    odd_orders,
    odd_scores,
    pass_gates,
)
from serving.runs.members import members_of
from serving.runs.store import RunStore
from serving.scoring.lessons import CampaignLessons
from serving.scoring.likely_buyers import likely_buyers_of
from serving.scoring.run import ScoreRun, score
from serving.settings import Settings
from serving.store.database import open_database
from serving.store.figures import CAME, SAID, TRAINED_DAYS
from serving.store.rules import PublishRules
from serving.store.run import RunInfo
from training.bundle.publication import Models, load_models

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PublishedScores:
    """A run that readers see, and the files that were written of it.

    `older_than` is the date of the run that they saw before, where that is later; None: it is not.
    """

    run: ScoreRun
    files: tuple[Path, ...]
    older_than: date | None = None


@dataclass(frozen=True, kw_only=True)
class ScoringHooks:
    """Who wants to act or be told on the way.

    Attributes
    ----------
    read : called with the orders before the models are loaded: may train them
    scored : called when every customer is scored, before anything is published
    progress : told in words what has been done
    """

    read: Callable[[OrderLog[Settings]], None] | None = None
    scored: Callable[[ScoreRun], None] = lambda _: None
    progress: Progress = lambda _: None


NO_HOOKS = ScoringHooks()


@dataclass(frozen=True, kw_only=True)
class OpenShop:
    """A shop's store and its orders, read; valid inside `opened_shop`.

    Attributes
    ----------
    log : the orders of the files and those that were sent; until `close_log` is called
    folder : for what is made on the way
    """

    settings: Settings
    engine: Engine
    runs: RunStore
    log: OrderLog[Settings]
    sent: SentSoFar
    folder: Path
    close_log: Callable[[], None]

    def latest(self) -> RunInfo | None:
        """The run that readers see; None where there is none."""
        try:
            return self.runs.latest_run().info
        except NoRun:
            return None

    def before(self) -> RunInfo | None:
        """The latest run, where it predicts the same in the same currency."""
        if (latest := self.latest()) is None:
            return None
        predict, currency = self.settings.predict, self.settings.data.currency
        basis = (predict.horizon_days, currency, predict.churn)
        is_alike = (latest.horizon_days, latest.currency, latest.churn_label) == basis
        return latest if is_alike else None

    def pass_orders(self) -> dict[str, str]:
        """Hold the orders against the latest run; see `serving.runs.gates.pass_gates`."""
        figures = figures_of_orders(self.log.report)
        return pass_gates(odd_orders(figures, self.before()), self.settings.data.accept)


@contextmanager
def opened_shop(settings: Settings, progress: Progress = lambda _: None) -> Iterator[OpenShop]:
    """Open the store and read the orders, those that were sent to the server included.

    Raises
    ------
    DataError
        When the orders cannot be used.
    StoreError
        When the store cannot be used.
    """
    rules = PublishRules.of(settings)
    engine = open_database(settings.database_url(settings.store.url))
    try:
        sent = SentSoFar.read(LiveStore(engine, rules), settings.data)
        with working_folder(settings.engine) as folder, ExitStack() as reading:
            log = reading.enter_context(
                read_kept_orders(settings, sent=sent.typed, histories=folder)
            )
            progress(f"read {log.report.rows_used:,} rows")
            yield OpenShop(
                settings=settings,
                engine=engine,
                runs=RunStore(engine, rules),
                log=log,
                sent=sent,
                folder=folder,
                close_log=reading.close,
            )
    finally:
        engine.dispose()


def score_shop(
    settings: Settings,
    *,
    created_at: datetime,
    as_of: date | None = None,
    output: Path | None = None,
    hooks: ScoringHooks = NO_HOOKS,
) -> PublishedScores:
    """Score every customer and publish the run to the store, with all that belongs to it.

    Parameters
    ----------
    created_at, as_of, output, hooks : see `score_open_shop`

    Raises
    ------
    ConfigError, DataError, StoreError
        As `score_open_shop`, or when orders or store cannot be used.
    """
    models = load_models(settings) if hooks.read is None else None
    with opened_shop(settings, hooks.progress) as shop:
        if hooks.read is not None:
            hooks.read(shop.log)
        return score_open_shop(
            shop,
            models or load_models(settings),
            created_at=created_at,
            as_of=as_of,
            output=output,
            hooks=hooks,
        )


def score_open_shop(
    shop: OpenShop,
    models: Models,
    *,
    created_at: datetime,
    as_of: date | None = None,
    output: Path | None = None,
    hooks: ScoringHooks = NO_HOOKS,
) -> PublishedScores:
    """Score every customer of a shop that is open, and publish the run; its log is then closed.

    Campaigns are measured and what they teach is used; the run is compared with the earlier ones
    of the store; who was erased is left out; exhibits are made; lines that the files hold are
    handed over. Files of the run are written aside, and put in place once it is published.

    Parameters
    ----------
    created_at : the time of the run, with its zone
    as_of : the date of the scores; None: the end of the orders
    output : also write `scores.parquet` and `recommendations.parquet` into this folder
    hooks : who wants to act or be told on the way

    Raises
    ------
    ConfigError, DataError
        As `serving.scoring.run.score`, or when `output` cannot be written.
    OddRun
        When orders or scores differ from the run before more than a shop does in a while.
    StoreError
        When the store cannot be used; readers then see what they saw before.
    """
    settings, log, runs = shop.settings, shop.log, shop.runs
    opened, before, latest = shop.pass_orders(), shop.before(), shop.latest()
    erased = Erased(ErasureStore(shop.engine), CustomerFiles.of(settings)).among
    as_of = as_of or log.end
    log.check_as_of(as_of)
    newest = latest.as_of if latest is not None and latest.as_of > as_of else None
    campaigns = CampaignStore(shop.engine)
    lessons = learn_from_campaigns(campaigns, log, as_of, hooks.progress, erased)
    run = score(log, models, as_of, created_at, hooks.progress, runs, lessons)
    context = RunContext.of(log, run.info, run.scores)
    run = run.without(erased(run.scores["customer_id"]))
    run = _through_gates(run, shop, models, before, opened)
    for sentence in run.info.accepted.values():
        hooks.progress(sentence)
    hooks.scored(run)
    members = members_of(log, run.info.as_of, erased)
    exhibits = exhibits_of(log, run, models, runs, ExhibitStore(shop.engine).exhibit)
    run = _with_interval(_with_promises(run, exhibits), exhibits)
    hooks.progress(f"made {len(exhibits)} exhibits")
    buyers = likely_buyers_of(log, run, models.recommendation)
    hooks.progress(f"listed the likely buyers of {len(buyers):,} products and categories")
    handover = shop.sent.handover(log, run, models, shop.folder, erased)
    shop.close_log()
    with written_aside(run, output) as files:
        runs.publish(run.info, run.scores, run.recommendations, exhibits, handover, buyers, members)
        write_context(context, context_file(settings))
        placed = files.put_in_place()
    hooks.progress("published the run")
    # members of a next round are chosen from the run that has just been published
    make_next_rounds(campaigns, lambda: created_at, hooks.progress)
    return PublishedScores(run=run, files=placed, older_than=newest)


def _through_gates(
    run: ScoreRun,
    shop: OpenShop,
    models: Models,
    before: RunInfo | None,
    opened: Mapping[str, str],
) -> ScoreRun:
    """The run with its figures and the gates that were opened for it."""
    features = run.features.loc[run.scores["customer_id"]]
    figures = {
        **figures_of_orders(shop.log.report),
        **figures_of_scores(run.scores, features, models.evidence),
        **{
            f"{TRAINED_DAYS}{name}": float((run.info.as_of - date.fromisoformat(entry.as_of)).days)
            for name, entry in models.manifest.models.items()
            if entry.as_of
        },
    }
    if before is not None and before.clv_basis != run.info.clv_basis:
        before = None
    accept = shop.settings.data.accept
    opened = {**opened, **pass_gates(odd_scores(figures, run.info, before), accept)}
    accepted = {**run.info.accepted, **opened}
    return replace(run, info=replace(run.info, figures=figures, accepted=accepted))


def _with_promises(run: ScoreRun, exhibits: Mapping[str, Any]) -> ScoreRun:
    """The run with what the latest finished one said, and what came, among its figures."""
    promise = exhibits["promise"]["data"]
    if not promise or not promise["runs"]:
        return run
    latest = promise["runs"][-1]
    figures = {
        f"{beginning}{what}": float(latest[f"{what}_{column}"])
        for what in ("value", "churn")
        for beginning, column in ((SAID, "said"), (CAME, "happened"))
    }
    return replace(run, info=replace(run.info, figures={**run.info.figures, **figures}))


def _with_interval(run: ScoreRun, exhibits: Mapping[str, Any]) -> ScoreRun:
    """The run with the ends of its total, for the ledger."""
    expected = exhibits["expected_revenue"]["data"]
    if not expected:
        return run
    level = {**run.info.level, "low": expected["low"], "high": expected["high"]}
    return replace(run, info=replace(run.info, level=level))


def learn_from_campaigns(
    store: CampaignStore,
    log: OrderLog[Settings],
    as_of: date,
    progress: Progress = lambda _: None,
    erased: Callable[[Iterable[str]], set[str]] = lambda _: set(),
) -> CampaignLessons:
    """Measure the campaigns of the store, and learn from them."""
    measure_campaigns(store, log, as_of, progress, erased)
    return CampaignLessons(
        rate=measured_save_rate(store, log),
        targeting=targeting_of(store, log),
        treatment=measured_treatment(store),
    )
