"""Scoring and publishing a shop, from its orders to what readers see."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from features.errors import ConfigError
from features.orders.kept_log import read_kept_orders
from features.orders.log import OrderLog
from features.sql import working_folder
from serving.campaigns.measuring import measure_campaigns, measured_save_rate
from serving.campaigns.store import CampaignStore
from serving.campaigns.targeting import targeting_of
from serving.exhibits.catalogue import exhibits_of
from serving.live.context import RunContext, context_file, write_context
from serving.live.handover import SentSoFar
from serving.live.store import LiveStore
from serving.privacy.erasure import CustomerFiles, Erased
from serving.privacy.store import ErasureStore
from serving.runs.store import RunStore
from serving.scoring.lessons import CampaignLessons
from serving.scoring.run import ScoreRun, score
from serving.settings import Settings
from serving.store.database import open_database
from serving.store.rules import PublishRules
from training.bundle.publication import load_models

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PublishedScores:
    """A run that readers see, and the files that were written of it."""

    run: ScoreRun
    files: tuple[Path, ...]


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


def score_shop(
    settings: Settings,
    *,
    created_at: datetime,
    as_of: date | None = None,
    output: Path | None = None,
    hooks: ScoringHooks = NO_HOOKS,
) -> PublishedScores:
    """Score every customer and publish the run to the store, with all that belongs to it.

    Orders that were sent to the server are read with those of the files. Campaigns are measured
    and what they teach is used; the run is compared with the earlier ones of the store; who was
    erased is left out; exhibits are made; lines that the files hold are handed over.

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
    StoreError
        When the store cannot be used; readers then see what they saw before.
    """
    models = load_models(settings) if hooks.read is None else None
    rules = PublishRules.of(settings)
    engine = open_database(settings.database_url(settings.store.url))
    try:
        runs, live = RunStore(engine, rules), LiveStore(engine, rules)
        erased = Erased(ErasureStore(engine), CustomerFiles.of(settings)).among
        sent = SentSoFar.read(live, settings.data)
        with working_folder(settings.engine) as folder:
            with read_kept_orders(settings, sent=sent.typed, histories=folder) as log:
                hooks.progress(f"read {log.report.rows_used:,} rows")
                if hooks.read is not None:
                    hooks.read(log)
                models = models or load_models(settings)
                as_of = as_of or log.end
                log.check_as_of(as_of)
                lessons = learn_from_campaigns(
                    CampaignStore(engine), log, as_of, hooks.progress, erased
                )
                run = score(log, models, as_of, created_at, hooks.progress, runs, lessons)
                context = RunContext.of(log, run.info, run.scores)
                run = run.without(erased(run.scores["customer_id"]))
                hooks.scored(run)
                exhibits = exhibits_of(log, run, models, runs)
                hooks.progress(f"made {len(exhibits)} exhibits")
                handover = sent.handover(log, run, models, folder, erased)
            files = _written(run, output) if output else ()
            runs.publish(run.info, run.scores, run.recommendations, exhibits, handover)
        write_context(context, context_file(settings))
        hooks.progress("published the run")
    finally:
        engine.dispose()
    return PublishedScores(run=run, files=files)


def learn_from_campaigns(
    store: CampaignStore,
    log: OrderLog[Settings],
    as_of: date,
    progress: Progress = lambda _: None,
    erased: Callable[[Iterable[str]], set[str]] = lambda _: set(),
) -> CampaignLessons:
    """Measure the campaigns of the store, and learn from them."""
    measure_campaigns(store, log, as_of, progress, erased)
    return CampaignLessons(rate=measured_save_rate(store, log), targeting=targeting_of(store, log))


def _written(run: ScoreRun, output: Path) -> tuple[Path, ...]:
    try:
        return run.write(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
