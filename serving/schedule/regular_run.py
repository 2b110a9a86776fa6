"""The regular run of a shop: check → train when due → score → files, under one lock.

Every step ends in one atomic change, and the run notes which scores it is about to publish: a
process that was killed at any moment leaves what readers saw, and the next run goes on from there.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from features.locks import lock_held
from serving.digest.sending import send_when_due
from serving.exhibits.past import run_misses
from serving.live.context import context_file, read_context
from serving.runs.files import finish_files, tables_are_of
from serving.runs.job import OpenShop, Progress, ScoringHooks, opened_shop, score_open_shop
from serving.schedule.due import why_due
from serving.schedule.exports import lists_are_of, write_lists
from serving.schedule.outcome import OutcomeName, RunOutcome, read_values, replace_json
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from serving.store.run import RunInfo
from training.bundle.manifest import current_bundle
from training.bundle.publication import load_models
from training.errors import BundleError
from training.job import TrainResult, outcome_sentence, train
from training.memory_need import memory_outlook
from training.version_comparison import keep_comparisons

LOCK = ".run.lock"
NOTE = ".run.json"


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What is asked of a regular run.

    Attributes
    ----------
    at : the time of the run, with its zone
    as_of : the date of the scores; None: the end of the orders
    output : the folder of the files; None: none are written
    train : whether to train, due or not
    """

    at: datetime
    as_of: date | None = None
    output: Path | None = None
    train: bool = False


def run_shop(
    settings: Settings, order: RunOrder, progress: Progress = lambda _: None
) -> RunOutcome:
    """Check, train when due, score and write the files of a shop.

    The same orders, date, models and settings again do nothing. What a killed run left undone is
    finished first.

    Raises
    ------
    Busy
        When another regular run of this shop is going on.
    RegularsError
        When a step cannot be done; readers then see what they saw before.
    """
    with _run_lock(settings), opened_shop(settings, progress) as shop:
        report = shop.log.report
        progress(f"checked: {report.rows_quarantined:,} of {report.rows_read:,} rows put aside")
        as_of = order.as_of or shop.log.end
        shop.log.check_as_of(as_of)
        shop.pass_orders()  # before anything learns from them
        because = why_due(shop.log, as_of, is_asked=order.train)
        trained = None
        if because is None:
            progress("no training is due")
        else:
            progress(f"training, since {because}")
            progress(memory_outlook(shop.log).sentence())
            misses = run_misses(shop.log, shop.runs, as_of)
            trained = train(shop.log, as_of, progress, runs=misses)
            keep_comparisons(settings, trained.versions)
            progress(outcome_sentence(trained))
        step = _Step(shop, order, as_of, progress)
        if order.output is not None:
            order.output.mkdir(parents=True, exist_ok=True)
        outcome = step.outcome(trained, because)
        sentence = send_when_due(settings, shop.runs, shop.engine, order.at)
        if sentence is None:
            return outcome
        progress(sentence)
        return replace(outcome, words=f"{outcome.words} {sentence}")


@contextmanager
def _run_lock(settings: Settings) -> Iterator[None]:
    folder = settings.path(settings.store.bundles).parent
    busy = f"{folder}: another regular run of this shop is going on. Wait for it to end."
    with lock_held(folder / LOCK, busy=busy):
        yield


@dataclass(frozen=True)
class _Step:
    """Scoring and files, where they are not done already."""

    shop: OpenShop
    order: RunOrder
    as_of: date
    progress: Progress

    def outcome(self, trained: TrainResult | None, because: str | None) -> RunOutcome:
        latest = self._published_already()
        run, files = (latest, ()) if latest is not None else self._scored()
        lists = self._lists(run)
        bundle = current_bundle(self._bundles).name
        name, words = _name_and_words(
            trained, run, is_scored=latest is None, is_finished=bool(lists)
        )
        return RunOutcome(
            outcome=name,
            words=words,
            at=self.order.at,
            run_id=run.run_id,
            as_of=run.as_of.isoformat(),
            bundle=bundle,
            trained_because=because,
            accepted=run.accepted,
            files=tuple(str(file) for file in (*files, *lists)),
        )

    @property
    def _bundles(self) -> Path:
        folder: Path = self.shop.settings.path(self.shop.settings.store.bundles)
        return folder

    @property
    def _note(self) -> Path:
        return self._bundles.parent / NOTE

    def _made_from(self) -> dict[str, Any]:
        """All that a run of this moment would be made from."""
        settings = self.shop.settings
        text = settings.model_dump_json(exclude={"serve", "root", "digest"})
        return {
            "as_of": self.as_of.isoformat(),
            "data_fingerprint": self.shop.log.fingerprint,
            "bundle": current_bundle(self._bundles).name,
            "settings": hashlib.sha256(text.encode()).hexdigest(),
        }

    def _published_already(self) -> RunInfo | None:
        """The latest run where it is made from what is there now, with all its tables."""
        latest = self.shop.latest()
        output = self.order.output
        if output is not None:
            finish_files(output, None if latest is None else latest.run_id)
        if latest is None or not _has_context(self.shop.settings, latest):
            return None
        if read_values(self._note) != {**self._made_from(), "run_id": latest.run_id}:
            return None
        if output is not None and not tables_are_of(output, latest.run_id):
            return None
        return latest

    def _scored(self) -> tuple[RunInfo, tuple[Path, ...]]:
        made_from = self._made_from()

        def note(run: ScoreRun) -> None:
            # before it is published: a process killed right after does not publish it twice
            replace_json(self._note, {**made_from, "run_id": run.info.run_id})

        published = score_open_shop(
            self.shop,
            load_models(self.shop.settings),
            created_at=self.order.at,
            as_of=self.as_of,
            output=self.order.output,
            hooks=ScoringHooks(scored=note, progress=self.progress),
        )
        return published.run.info, published.files

    def _lists(self, run: RunInfo) -> tuple[Path, ...]:
        output = self.order.output
        if output is None or lists_are_of(output, run.run_id):
            return ()
        written = write_lists(self.shop, output, self.order.at)
        sentences = (f"wrote {len(written.files)} lists", written.left_out.sentence())
        self.progress(". ".join(filter(None, sentences)))
        return written.files


def _has_context(settings: Settings, run: RunInfo) -> bool:
    """Whether the process that scores single customers knows of the run."""
    try:
        context = read_context(context_file(settings))
    except BundleError:
        return False
    return context is not None and context.run.run_id == run.run_id


def _name_and_words(
    trained: TrainResult | None, run: RunInfo, *, is_scored: bool, is_finished: bool
) -> tuple[OutcomeName, str]:
    """Name and words of what was done."""
    scores = f"The scores of {run.as_of} are published ({run.run_id})."
    if trained is not None and trained.bundle is None:
        return "champion_kept", f"{outcome_sentence(trained)} {scores}"
    if trained is not None:
        return "published", f"{outcome_sentence(trained)} {scores}"
    if is_scored:
        return "published", f"{scores} No training was due."
    if is_finished:
        return "published", f"{scores} What an earlier run left undone is finished."
    return "nothing_new", f"Nothing new since the scores of {run.as_of} ({run.run_id})."
