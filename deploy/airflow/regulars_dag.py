"""The regular run of a shop as an Airflow DAG (Airflow 3): copy it into the DAGs' folder.

Exit code 3, a gate, is not tried again: to look at it is somebody's work. `AirflowFailException`
says so to Airflow; any other code is tried again after half an hour.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

SHOP = "/srv/regulars/shop"
REGULARS = "/srv/regulars/venv/bin/regulars"
STOPPED_BY_A_GATE = 3


@dag(
    dag_id="regulars_run",
    schedule="10 4 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=30)},
    tags=["regulars"],
)
def regulars_run() -> None:
    @task(execution_timeout=timedelta(hours=4))
    def run_the_shop() -> dict:
        """The outcome; the progress stands in the task's log."""
        done = subprocess.run(  # noqa: S603 - our own command
            [REGULARS, "run", "--json"], cwd=SHOP, stdout=subprocess.PIPE, text=True, check=False
        )
        outcome = json.loads(done.stdout)
        if done.returncode == STOPPED_BY_A_GATE:
            raise AirflowFailException("; ".join(outcome["problems"]))
        if done.returncode != 0:
            raise RuntimeError("; ".join(outcome["problems"]))
        return outcome

    run_the_shop()


regulars_run()
