"""The script of docs/integrate.md beside a server that is killed: in the end both say the same."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from tests.support.faults import ask
from tests.support.servers import ServerProcess, free_port, serving
from tests.support.shop import FIRST_DAY, write_config
from tests.support.trained import SHOP, copy_of

GUIDE = Path(__file__).parents[2] / "docs" / "integrate.md"
CUSTOMERS = 2_500
ORDERS = 60


@dataclass
class Crm:
    """A shop with a server and the script's own file beside it."""

    folder: Path
    config: Path
    port: int
    key: str
    orders: pd.DataFrame

    @property
    def mirror(self) -> Path:
        return self.folder / "mirror.db"

    def run(self, *words: str) -> str:
        result = CliRunner().invoke(main, [*words, "--config", str(self.config)])
        assert result.exit_code == 0, result.output
        return result.stdout

    def put(self, lines: list[dict[str, Any]]) -> None:
        with closing(sqlite3.connect(self.mirror, timeout=30)) as mirror, mirror:
            mirror.execute("INSERT INTO outbox (lines) VALUES (?)", [json.dumps(lines)])

    def count(self, table: str) -> int:
        try:
            return len(self.rows(f"SELECT 1 FROM {table}"))
        except sqlite3.OperationalError:
            return 0

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.mirror, timeout=30)) as mirror:
            return mirror.execute(query).fetchall()

    @contextmanager
    def script(self) -> Iterator[ServerProcess]:
        """The script at work; its words are in the process's file."""
        address = f"http://127.0.0.1:{self.port}"
        told = {"REGULARS_URL": address, "REGULARS_KEY": self.key}
        command = [sys.executable, str(self.folder / "integrate.py"), str(self.mirror)]
        process = ServerProcess(command, env={**os.environ, **told})
        try:
            yield process
        finally:
            process.close()

    def asked(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        address = f"http://127.0.0.1:{self.port}"
        status, said, _ = ask(address, path, method=method, body=sent, token=self.key)
        assert status == 200, said
        return json.loads(said)

    def everybody(self) -> dict[str, dict[str, Any]]:
        """What the server says of each customer on its list."""
        said: dict[str, dict[str, Any]] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = self.asked(f"/v1/churn-list?limit=1000&cursor={cursor}")
            ids = [one["customer_id"] for one in page["customers"]]
            answers = self.asked("/v1/customers/scores", {"customer_ids": ids})["results"]
            said |= {one["customer_id"]: one for one in answers}
            cursor = page["next_cursor"]
        assert len(said) == page["total"]
        return said

    def mirrored(self) -> dict[str, dict[str, Any]]:
        rows = self.rows("SELECT * FROM customers")
        for customer_id, *figures, answer in rows:
            said = json.loads(answer)
            names = ("customer_id", "retention_risk", "churn_probability", "clv")
            assert [said[name] for name in names] == [customer_id, *figures]
        return {row[0]: json.loads(row[-1]) for row in rows}


def many_orders(customers: int, *, days: int, seed: int) -> pd.DataFrame:
    """One to six orders each, of one line; columns as in `tests.support.shop.COLUMNS`."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), rng.integers(1, 7, customers))
    lines = len(customer)
    product = rng.integers(0, 40, lines)
    minutes = rng.integers(0, days * 24 * 60, lines)
    return pd.DataFrame(
        {
            "customer": [f"c{number:05d}" for number in customer],
            "order": [f"o{number:06d}" for number in range(lines)],
            "time": FIRST_DAY + pd.to_timedelta(minutes, unit="min"),
            "product": [f"p{number:03d}" for number in product],
            "name": [f"Product {number}" for number in product],
            "category": [f"category {number % 5}" for number in product],
            "quantity": rng.integers(1, 4, lines),
            "amount": rng.lognormal(2.5, 0.6, lines).round(2),
            "discount": 0.0,
        }
    )


@pytest.fixture
def crm(trained, tmp_path):
    copied = copy_of(trained, tmp_path)
    orders = many_orders(CUSTOMERS, days=SHOP["days"], seed=4)
    orders.to_parquet(tmp_path / "orders.parquet", index=False)
    block = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (tmp_path / "integrate.py").write_text(block.group(1))
    at_once = copied.settings.serve.model_copy(update={"drain_seconds": 0})
    config = write_config(copied.settings.model_copy(update={"serve": at_once}))
    made = Crm(tmp_path, config, free_port(), "", orders)
    made.run("score")
    made.key = json.loads(made.run("keys", "create", "--scope", "write", "--json"))["key"]
    return made


def new_orders(crm: Crm) -> list[list[dict[str, Any]]]:
    """Orders of known and new customers after the last day, some of several lines."""
    rng = np.random.default_rng(9)
    last = crm.orders["time"].max().normalize()
    numbers = rng.choice(CUSTOMERS + 200, ORDERS, replace=False)
    return [
        [
            {
                "customer_id": f"c{number:05d}",
                "order_id": f"n{place}",
                "line": line,
                "ordered_at": (last + pd.Timedelta(days=1 + place % 5, hours=9)).isoformat(),
                "product_id": f"p{rng.integers(40):03d}",
                "quantity": 1,
                "amount": round(float(rng.lognormal(2.5, 0.6)), 2),
            }
            for line in range(1 + place % 3)
        ]
        for place, number in enumerate(numbers.tolist())
    ]


def wait_until(holds: Callable[[], bool], script: subprocess.Popen, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert script.poll() in {None, 0}, script.ended()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended_well(script: ServerProcess) -> None:
    wait_until(lambda: script.poll() is not None, script)
    assert (script.returncode, script.ended()) == (0, "")


@pytest.mark.timeout(900)
def test_the_integrators_script_ends_consistent_however_often_the_server_is_killed(crm):
    """First the whole list, then orders, then a run and an erasure; kills in each part."""
    with crm.script() as script:
        # nobody is there yet; then the server is killed in the middle of the first reading
        with serving(crm.config, crm.port) as (_, server):
            wait_until(lambda: crm.count("customers") >= 1_000, script)
            server.kill()
        with serving(crm.config, crm.port):
            ended_well(script)
            assert crm.count("customers") == CUSTOMERS
            assert crm.mirrored() == crm.everybody()
    for lines in new_orders(crm):
        crm.put(lines)
    with crm.script() as script:
        for left in (2 * ORDERS // 3, ORDERS // 3):
            with serving(crm.config, crm.port) as (_, server):
                wait_until(lambda left=left: crm.count("outbox") <= left, script)
                server.kill()
        script.kill()
    with crm.script() as script, serving(crm.config, crm.port):
        ended_well(script)
        told = crm.mirrored()
        assert told == crm.everybody()
        orders = {number: said["profile"]["orders"] for number, said in told.items()}
        before = crm.orders.groupby("customer")["order"].nunique()
        for lines in new_orders(crm):
            number = lines[0]["customer_id"]
            assert orders[number] == before.get(number, 0) + 1
        run_and_erasure(crm)


def run_and_erasure(crm: Crm) -> None:
    """A run takes the orders over, somebody is erased; the next call of the script says so."""
    crm.run("score")
    crm.run("erase", "c00007", "--yes")
    with crm.script() as script:
        ended_well(script)
    told = crm.mirrored()
    assert "c00007" not in told
    assert told == crm.everybody()
    assert {said["as_of"] for said in told.values()} == {crm.asked("/v1/models")["as_of"]}
