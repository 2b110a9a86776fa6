"""Takes in files of orders that were sent: checked beside those that stay, then put in place.

The files in place change only after the doctor has read what will be there; each is replaced as a
whole. A worker that ends on the way leaves what the next one goes on from.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from features.errors import DataError
from features.orders.log import check_orders
from serving.jobs.job import Job, JobEnd
from serving.jobs.order_files import TAKING_IN, OrderFiles, link_or_copy, sent_name, unpacked
from serving.live.handover import lines_sent
from serving.schedule.outcome import read_values, replace_json
from serving.settings import Settings

PLAN = "plan.json"
REPLACED = "replaced"
"""The folder of files that newer ones have taken the place of, beside the bundles; the last ones."""


def take_in(settings: Settings, job: Job, tell: Callable[[str], None]) -> JobEnd | None:
    """Check and place the file of a job; returns how the job ends where it is not placed.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    data = settings.path(settings.store.bundles).parent
    file, folder = Path(job.arguments["file"]), data / f"{TAKING_IN}{job.job_id}"
    order_files = OrderFiles.of(settings)
    if order_files is None:
        raise DataError("The orders come from a database: no file can be added to them.")
    is_replacing = job.arguments["mode"] == "replace" or not order_files.takes_several
    plan: Mapping[str, Any] | JobEnd | None = read_values(folder / PLAN)
    if plan is None:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            plan = _planned(settings, order_files, file, folder, tell, is_replacing=is_replacing)
        except Exception:
            _forget(file, folder)
            raise
    if isinstance(plan, JobEnd):
        _forget(file, folder)
        return plan
    place_files(order_files, folder / "new", plan)
    tell("put the new orders in place")
    _forget(file, folder)
    return None


def _forget(file: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    file.unlink(missing_ok=True)


def _planned(
    settings: Settings,
    order_files: OrderFiles,
    file: Path,
    folder: Path,
    tell: Callable[[str], None],
    *,
    is_replacing: bool,
) -> Mapping[str, Any] | JobEnd:
    """Which files come and which leave, once all is checked; or why none does."""
    new = _new_files(file, folder, order_files, settings.serve.upload_bytes)
    tell(f"received {', '.join(path.name for path in new)}")
    leaving = _leaving(order_files, new, is_replacing=is_replacing)
    stopped = _checked(settings, order_files, new, leaving, folder, tell)
    if stopped is not None:
        return stopped
    _keep_aside(leaving, folder.parent / REPLACED)
    plan = {"new": [path.name for path in new], "leaving": [path.name for path in leaving]}
    replace_json(folder / PLAN, plan)
    return plan


def _new_files(file: Path, folder: Path, order_files: OrderFiles, most_bytes: int) -> list[Path]:
    """The files that were sent, under the names that they will have."""
    new = folder / "new"
    new.mkdir(parents=True)
    name = sent_name(file)
    if order_files.why_not(name) is None or file.suffix.lower() != ".zip":
        files = [Path(shutil.copy2(file, new / name))]
    else:
        files = unpacked(file, new, most_bytes=most_bytes)
    for path in files:
        if (like := order_files.why_not(path.name)) is not None:
            raise DataError(f"{path.name}: the orders are read from {like}. Save the file as that.")
    if not order_files.takes_several and len(files) > 1:
        raise DataError(f"The orders are one file, {order_files.pattern}; {len(files)} were sent.")
    return [path.rename(new / order_files.name_for(path.name)) for path in files]


def _leaving(order_files: OrderFiles, new: list[Path], *, is_replacing: bool) -> list[Path]:
    """The files whose place is taken."""
    names = {path.name for path in new}
    return [path for path in order_files.files() if is_replacing or path.name in names]


def _checked(
    settings: Settings,
    order_files: OrderFiles,
    new: list[Path],
    leaving: list[Path],
    folder: Path,
    tell: Callable[[str], None],
) -> JobEnd | None:
    """Let the doctor read what will be there."""
    whole = folder / "whole"
    whole.mkdir()
    for path in (*new, *(path for path in order_files.files() if path not in leaving)):
        link_or_copy(path, whole / path.name)
    pattern = Path(order_files.pattern).name
    store = settings.store.model_copy(update={"quarantine": str(folder / "quarantine.parquet")})
    beside = settings.data.model_copy(update={"transactions": str(whole.absolute() / pattern)})
    examined = settings.model_copy(update={"data": beside, "store": store})
    with check_orders(examined, sent=lines_sent(settings)) as report:
        tell(f"checked: {report.rows_quarantined:,} of {report.rows_read:,} rows put aside")
        refusals = [text.replace(f"{report.source}: ", "") for text in report.refusals]
    if not refusals:
        return None
    tell("the new orders are not put in place")
    return JobEnd("stopped", {"problems": refusals})


def _keep_aside(files: list[Path], folder: Path) -> None:
    for path in files:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / path.name)


def place_files(order_files: OrderFiles, new: Path, plan: Mapping[str, Any]) -> None:
    """Put files in place, each as a whole, then remove those that they replace; again after a kill."""
    for name in plan["new"]:
        if (new / name).exists():
            (new / name).replace(order_files.folder / name)
    for name in set(plan["leaving"]) - set(plan["new"]):
        (order_files.folder / name).unlink(missing_ok=True)
