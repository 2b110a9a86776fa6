"""The regular run of a shop as a Dagster asset with its schedule: add `defs` to your code location."""

import json
import subprocess

from dagster import (
    AssetExecutionContext,
    AssetSelection,
    Definitions,
    Failure,
    MaterializeResult,
    ScheduleDefinition,
    asset,
    define_asset_job,
)

SHOP = "/srv/regulars/shop"
REGULARS = "/srv/regulars/venv/bin/regulars"
STOPPED_BY_A_GATE = 3


@asset(group_name="regulars")
def customer_scores(context: AssetExecutionContext) -> MaterializeResult:
    """The scores that readers see, and the files in data/exports."""
    done = subprocess.run(  # noqa: S603 - our own command
        [REGULARS, "run", "--json"], cwd=SHOP, stdout=subprocess.PIPE, text=True, check=False
    )
    outcome = json.loads(done.stdout)
    context.log.info(outcome["words"])
    if done.returncode != 0:
        raise Failure(
            description="; ".join(outcome["problems"]),
            allow_retries=done.returncode != STOPPED_BY_A_GATE,
        )
    names = ("outcome", "run_id", "as_of", "bundle", "trained_because")
    return MaterializeResult(metadata={name: outcome[name] or "" for name in names})


nightly = ScheduleDefinition(
    job=define_asset_job("regulars_run", selection=AssetSelection.assets(customer_scores)),
    cron_schedule="10 4 * * *",
    execution_timezone="Etc/UTC",
)

defs = Definitions(assets=[customer_scores], schedules=[nightly])
