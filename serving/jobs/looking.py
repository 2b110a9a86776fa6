"""A look at orders before there are settings: what `init` understands and what the doctor finds."""

import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from features.doctor.report import Finding, Report
from features.errors import DataError
from features.orders.log import check_orders
from features.proposal import propose
from features.proposal.answers import Answers
from features.settings.data import ACCEPTABLE, POSTGRES
from features.settings.loading import settings_from
from features.sources.addresses import without_password
from serving.jobs.job import Job, JobEnd
from serving.jobs.order_files import LOOK_MARK, ending_of, link_or_copy, sent_name, unpacked
from serving.jobs.place import WorkPlace
from serving.jobs.settings_text import MODELS_AND_STORE
from serving.settings import Serve, Settings

ORDERS = "orders"
"""The folder of a shop's orders that were sent, beside the bundles."""
MOST_COLUMNS = 2_000
MOST_MONTHS = 6


def look(shop: WorkPlace, job: Job, tell: Callable[[str], None]) -> JobEnd:
    """Look at the orders of a job, as its person has answered so far.

    Raises
    ------
    DataError, ConfigError
        When they cannot be read.
    """
    arguments = job.arguments
    root = shop.config.absolute().parent
    location = arguments.get("location")
    if location is None:
        folder = _placed(shop.data, Path(arguments["file"]), job.job_id, tell)
        location = _pattern_of(folder, root)
    is_database = location.startswith(POSTGRES)
    tell("looking at the orders")
    proposal = propose(
        location if is_database else str(root / location),
        relative_to=root,
        table=arguments.get("table") or None,
        query=arguments.get("query") or None,
        columns=arguments.get("columns", {}),
        answers=_answers(arguments.get("answers", {})),
    )
    understanding = proposal.understanding
    if len(understanding.columns) > MOST_COLUMNS:
        raise DataError(
            f"The file has {len(understanding.columns):,} columns; at most {MOST_COLUMNS:,} are read. "
            "Export the orders alone."
        )
    tell(f"{understanding.rows:,} rows")
    toml = f"{proposal.toml}\n{MODELS_AND_STORE}"
    outcome: dict[str, Any] = {
        "location": location,
        "shown_location": without_password(location),
        "toml": toml,
        "system": proposal.system,
        "notes": [_shortened(note, root) for note in proposal.notes],
        "open": list(proposal.open_fields),
        "understanding": understanding.to_dict(),
        "first_orders": [_shown(order.to_dict()) for order in proposal.first_orders],
        "report": None,
    }
    if not proposal.open_fields:
        settings = settings_from(tomllib.loads(toml), Settings, root=root)
        outcome["report"] = _report(settings, shop.data)
        outcome["horizon_days"] = settings.predict.horizon_days
    tell("looked at the orders")
    return JobEnd("done", outcome)


def _answers(given: Mapping[str, Any]) -> Answers:
    return Answers(
        left_out=frozenset(given.get("left_out", ())),
        currency=given.get("currency"),
        timezone=given.get("timezone"),
        tax=given.get("tax"),
        discount=given.get("discount"),
        verdicts=given.get("verdicts", {}),
    )


def _placed(data: Path, file: Path, job_id: str, tell: Callable[[str], None]) -> Path:
    """Put a file that was sent where the orders are to be; returns its folder.

    The folder appears as a whole and holds a mark of the job, by which a worker that takes the
    job up again finds it.

    Raises
    ------
    DataError
        When it cannot be unpacked, or holds files of several kinds.
    """
    mark = f"{LOOK_MARK}{job_id}"
    for placed in data.glob(f"{ORDERS}*/{mark}"):
        return placed.parent
    folder = _free_folder(data)
    aside = folder.with_name(f".{folder.name}.coming")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        if file.suffix.lower() == ".zip":
            files = unpacked(file, aside, most_bytes=Serve().upload_bytes)
        else:
            files = [link_or_copy(file, aside / sent_name(file))]
        _check_kinds(files)
        (aside / mark).touch()
        aside.replace(folder)
    except Exception:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    finally:
        file.unlink(missing_ok=True)
    tell(f"received {', '.join(sorted(path.name for path in files))}")
    return folder


def _pattern_of(folder: Path, root: Path) -> str:
    """What finds the files of a folder, from `root`."""
    endings = {ending for path in folder.iterdir() if (ending := ending_of(path.name)) is not None}
    return (folder.resolve().relative_to(root.resolve()) / f"*{endings.pop()}").as_posix()


def _check_kinds(files: list[Path]) -> None:
    endings = sorted({str(ending_of(path.name)) for path in files})
    if len(endings) != 1:
        raise DataError(
            f"The .zip holds files of several kinds ({', '.join(endings)}). Pack those of the orders "
            "alone."
        )


def _free_folder(data: Path) -> Path:
    """A folder that holds nothing yet; one that an earlier look has filled stays until it is over."""
    folder, number = data / ORDERS, 2
    while folder.exists() and any(folder.iterdir()):
        folder = data / f"{ORDERS}-{number}"
        number += 1
    if folder.exists():
        folder.rmdir()
    return folder


def _shortened(note: str, root: Path) -> str:
    return note.replace(f"{root}/", "")


def _shown(order: dict[str, Any]) -> dict[str, Any]:
    at = order["ordered_at"]
    return {**order, "ordered_at": None if at is None else at.isoformat(timespec="minutes")}


def _report(settings: Settings, data: Path) -> dict[str, Any]:
    """The doctor's figures and findings, as the page shows them."""
    aside = data / "quarantine.parquet"
    store = settings.store.model_copy(update={"quarantine": str(aside.absolute())})
    with check_orders(settings.model_copy(update={"store": store})) as report:
        return {
            "rows_read": report.rows_read,
            "rows_used": report.rows_used,
            "orders": report.orders,
            "customers": report.customers,
            "products": report.products,
            "first_day": None if report.first_day is None else report.first_day.isoformat(),
            "last_day": None if report.last_day is None else report.last_day.isoformat(),
            "revenue": report.revenue,
            "currency": report.currency,
            "one_order_customers": report.one_order_customers,
            "aside": [
                {"reason": count.reason, "rows": count.rows, "meaning": count.meaning}
                for count in report.quarantined
            ],
            "months": _months(report),
            "findings": [_finding(finding) for finding in report.findings],
        }


def _months(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "month": month.month.isoformat(),
            "orders": month.orders,
            "gross": month.gross,
            "discounts": month.discounts,
            "refunds": month.refunds,
            "net": month.net,
        }
        for month in report.months[-MOST_MONTHS:]
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "size": finding.size,
        "meaning": finding.meaning[:1].upper() + finding.meaning[1:],
        "illustration": finding.illustration,
        "advice": finding.advice,
        "can_be_accepted": finding.severity == "refuses" and finding.code in ACCEPTABLE,
    }
