"""The folder of a shop, opened: what is kept of it, as frames."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd
from sqlalchemy import Engine

from features.errors import ConfigError
from features.settings.loading import CONFIG_NAME
from serving.campaigns.store import CampaignStore
from serving.jobs.settings_text import places_beside
from serving.live.handover import lines_sent
from serving.notebook.opening import OpenedLog, read_orders
from serving.notebook.progress import Progress, shown
from serving.notebook.served import served
from serving.notebook.work import train
from serving.runs.job import PublishedScores, ScoringHooks, score_shop
from serving.runs.said import documents_of, judge_kept_runs
from serving.runs.store import RunStore
from serving.settings import load_shop
from serving.store.database import open_database
from serving.store.protocol import no_such_run
from serving.store.rules import PublishRules
from serving.store.run import PublishedRun
from training.bundle.publication import Models, load_models
from training.errors import TrackingError
from training.job import TrainResult
from training.tracking.registry import registered_versions

MODEL_COLUMNS = (
    *("name", "version", "aliases", "grade", "improvement", "as_of"),
    *("verdict", "against", "ledger", "run_id"),
)
RUN_COLUMNS = [
    *("run_id", "as_of", "horizon_days", "customers", "value_at_risk", "total"),
    *("total_low", "total_high", "created_at", "data_fingerprint"),
]
CAMPAIGN_COLUMNS = [
    *("campaign_id", "starts_on", "ends_on", "cancelled", "arm", "measure"),
    *("contacts", "effect", "effect_low", "effect_high", "verdict"),
]
LEDGER_RUNS = 6
_DAYS = (
    *("as_of", "at_risk_on", "first_order_date", "last_order_date"),
    *("next_order_date", "next_order_low", "next_order_high"),
)
_NESTED = ("next_order", "profile")
_LEFT_OUT = {
    *("reasons", "factors", "since_last_run", "recommendations", "lineage", "lifetime_terms"),
    *("categories", "segments", *_NESTED),
}


class Shop:
    """A shop as it lies in its folder: orders, models, score runs, ledger and campaigns.

    Parameters
    ----------
    folder : of the `regulars.toml`, or another settings file; the working directory by default

    Attributes
    ----------
    settings : the settings of the file
    notes : how they were told from the orders, where `init` wrote them

    Raises
    ------
    ConfigError
        Listing every problem of the settings.

    Examples
    --------
    ::

        with Shop("myshop") as shop:
            at_risk = shop.scores().query("retention_risk == 'critical'")
    """

    def __init__(self, folder: Path | str = ".") -> None:
        path = Path(folder)
        self._config = path if path.suffix == ".toml" else path / CONFIG_NAME
        self.settings = load_shop(self._config)
        self.notes: tuple[str, ...] = ()
        self._engine: Engine | None = None

    @classmethod
    def init(
        cls,
        orders: Path | str,
        folder: Path | str = ".",
        *,
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Look at a file of orders, write a `regulars.toml` for it as `regulars init` does, open it.

        Parameters
        ----------
        orders : Parquet, CSV or Excel; a glob for several; or the URL of a PostgreSQL database
        folder : of the shop; made where it is not there
        columns : field of `data.columns` → the column that it is, where it is not told rightly

        Returns
        -------
        Shop; `notes` say how the columns were told, and what to check.

        Raises
        ------
        ConfigError
            When there are settings in the folder already, or a column that is needed is not told.
        """
        from features.proposal import propose

        output = Path(folder) / CONFIG_NAME
        if output.exists():
            raise ConfigError(f"{output}: exists already. Shop({str(folder)!r}) opens it.")
        proposal = propose(str(orders), relative_to=output.parent, columns=columns)
        if proposal.open_fields:
            fields_left = ", ".join(proposal.open_fields)
            raise ConfigError(
                f"{orders}: cannot tell {fields_left}. Pass columns={{field: column}} for them."
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(proposal.toml + places_beside(output), encoding="utf-8")
        shop = cls(folder)
        shop.notes = proposal.notes
        return shop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections to the store back; the next call opens them again."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def orders(self) -> OpenedLog:
        """The orders of the files and those that were sent to the server; see `read_orders`."""
        return read_orders(self.settings, sent=lines_sent(self.settings))

    def models(self) -> pd.DataFrame:
        """Every registered version, newest first within a model; columns `MODEL_COLUMNS`.

        Raises
        ------
        TrackingError
            When MLflow's registry cannot be asked.
        """
        versions, why_unknown = registered_versions(self.settings)
        if why_unknown is not None:
            raise TrackingError(why_unknown)
        records = [
            {**asdict(version), "aliases": ", ".join(version.aliases)} for version in versions
        ]
        return pd.DataFrame(records, columns=list(MODEL_COLUMNS))

    def champions(self) -> Models:
        """The models in force, ready to predict; see `training.bundle.publication.load_models`."""
        return load_models(self.settings)

    def runs(self) -> pd.DataFrame:
        """Score runs in the order of publication, one row each, index `run_id`.

        `as_of`, `horizon_days`, `customers`, `value_at_risk`, `total` with its 80 % interval
        `total_low` and `total_high` (NaN where a run has none), `created_at`,
        `data_fingerprint`, and a column `<model>_version` per model.
        """
        records = [_run_record(run) for run in self._store.runs()]
        return pd.DataFrame(records, columns=None if records else RUN_COLUMNS).set_index("run_id")

    def scores(self, run_id: str | None = None) -> pd.DataFrame:
        """What a score run said of every customer, as answers of the API say it.

        Parameters
        ----------
        run_id : None: the run that readers see

        Returns
        -------
        One row per customer, index `customer_id`, in order of id: the single figures of an
        answer, those of `next_order` as `next_order_date` …, of `profile` under their own names,
        and a column per segment system; days are datetime64. Orders sent since the run count.

        Raises
        ------
        ConfigError
            When there is no such run.
        NoRun
            When nothing has been scored.
        """
        records = [_flat(document) for document in documents_of(self._store, self._run(run_id))]
        table = pd.DataFrame(records).set_index("customer_id").sort_index()
        return table.assign(**{name: pd.to_datetime(table[name]) for name in _DAYS})

    def recommendations(self, run_id: str | None = None) -> pd.DataFrame:
        """The products that a score run recommends, a row per customer and rank.

        `customer_id`, `rank`, `product_id`, `product_name`, `category`, `kind`, `score`;
        parameters and errors as of `scores`.
        """
        columns = ("customer_id", "rank", "product_id", "product_name", "category", "kind", "score")
        records = [
            {"customer_id": customer, **product}
            for customer, products in self._lists(self._run(run_id))
            for product in products
        ]
        return pd.DataFrame(records, columns=list(columns)).sort_values(
            ["customer_id", "rank"], ignore_index=True
        )

    def customer(self, customer_id: str) -> dict[str, Any]:
        """Everything about one customer, as `GET /v1/customers/{id}` says it.

        Raises
        ------
        UnknownCustomer
            When the run that readers see does not know the id.
        """
        document: dict[str, Any] = json.loads(self._store.customer(customer_id).body)
        return document

    def ledger(
        self, by: Literal["run", "decile", "segment"] = "run", *, most: int = LEDGER_RUNS
    ) -> pd.DataFrame:
        """What runs said beside what came, of the latest `most` whose horizon has passed.

        Parameters
        ----------
        by : one row per run with the total and a column `<model>_grade`; per tenth of the
            prediction; or per segment

        Returns
        -------
        With a column `run_id`; empty while no horizon has passed.

        Raises
        ------
        DataError, NotEnoughData
            When the orders cannot be read.
        """
        entries = judge_kept_runs(self.settings, self._store, most=most).entries
        if by == "run":
            return pd.DataFrame(
                {
                    "run_id": entry.run.run_id,
                    "as_of": entry.run.as_of,
                    "customers": entry.customers,
                    **entry.totals,
                    "came_within": entry.came_within,
                    **{f"{name}_grade": grade.letter for name, grade in entry.grades.items()},
                }
                for entry in entries
            )
        tables = [
            (entry.deciles if by == "decile" else entry.segments).assign(run_id=entry.run.run_id)
            for entry in entries
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def campaigns(self) -> pd.DataFrame:
        """Campaigns, the latest first, one row per arm and measure.

        `campaign_id`, `starts_on`, `ends_on`, `cancelled`, `arm`, `measure`, `contacts`,
        the effect per contact with its 90 % interval `effect`, `effect_low`, `effect_high`, and
        `verdict`; a campaign that has not been measured is one row without them.
        """
        records = []
        for campaign in CampaignStore(self._store.engine).campaigns():
            head = {
                "campaign_id": campaign.campaign_id,
                "starts_on": campaign.starts_on,
                "ends_on": campaign.ends_on,
                "cancelled": campaign.cancelled_at is not None,
            }
            effects = campaign.results["effects"] if campaign.results else []
            records += [{**head, **_effect(effect)} for effect in effects] or [head]
        return pd.DataFrame(records, columns=CAMPAIGN_COLUMNS)

    def train(self, as_of: date | None = None, *, progress: Progress | None = None) -> TrainResult:
        """Train on the shop's orders; see `regulars.train`."""
        with self.orders() as log:
            return train(log, as_of, progress)

    def score(
        self,
        as_of: date | None = None,
        *,
        output: Path | str | None = None,
        progress: Progress | None = None,
    ) -> PublishedScores:
        """Score every customer and publish the run to the store, as `regulars score` does.

        Parameters
        ----------
        as_of : the date of the scores; None: the day after the last order
        output : also write `scores.parquet` and `recommendations.parquet` into this folder
        progress : see `regulars.train`
        """
        with shown(progress, "scoring") as report:
            return score_shop(
                self.settings,
                created_at=datetime.now(UTC),
                as_of=as_of,
                output=None if output is None else Path(output),
                hooks=ScoringHooks(progress=report),
            )

    def serve(self, *, seconds: float = 120.0) -> AbstractContextManager[str]:
        """A server of the shop on this machine, in a `with`: its address, once it is ready.

        It answers as `regulars serve` does, on a free port, until the block ends.

        Parameters
        ----------
        seconds : how long to wait for it

        Raises
        ------
        RegularsError
            When it has ended, or is not ready in time; with what it said.
        """
        return served(self._config, seconds=seconds)

    @property
    def _store(self) -> RunStore:
        if self._engine is None:
            self._engine = open_database(self.settings.database_url(self.settings.store.url))
        return RunStore(self._engine, PublishRules.of(self.settings))

    def _run(self, run_id: str | None) -> PublishedRun:
        if run_id is None:
            return self._store.latest_run()
        run = next((run for run in self._store.runs() if run.info.run_id == run_id), None)
        if run is None:
            raise no_such_run(run_id)
        return run

    def _lists(self, run: PublishedRun) -> Iterable[tuple[str, Sequence[Mapping[str, Any]]]]:
        for document in documents_of(self._store, run):
            yield document["customer_id"], document["recommendations"]


def _run_record(run: PublishedRun) -> dict[str, Any]:
    info = run.info
    return {
        "run_id": info.run_id,
        "as_of": info.as_of,
        "horizon_days": info.horizon_days,
        "customers": run.summary.total.customers,
        "value_at_risk": run.summary.total.value_at_risk,
        "total": info.level.get("total"),
        "total_low": info.level.get("low"),
        "total_high": info.level.get("high"),
        "created_at": info.created_at,
        "data_fingerprint": info.data_fingerprint,
        **{f"{name}_version": model["version"] for name, model in info.models.items()},
    }


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The single figures of an answer, in one row."""
    plain = {name: value for name, value in document.items() if name not in _LEFT_OUT}
    dates = {
        name if name.startswith("p_order") else f"next_order_{name}": value
        for name, value in document["next_order"].items()
        if name not in _LEFT_OUT
    }
    return {**plain, **dates, **document["profile"], **document["segments"]}


def _effect(effect: Mapping[str, Any]) -> dict[str, Any]:
    per_contact = effect["per_contact"]
    return {
        **{name: effect[name] for name in ("arm", "measure", "contacts", "verdict")},
        "effect": per_contact["value"],
        "effect_low": per_contact["low"],
        "effect_high": per_contact["high"],
    }
