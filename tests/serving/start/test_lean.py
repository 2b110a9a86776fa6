"""The server that sets a shop up, and the one that follows, load none of what reads orders."""

import subprocess
import sys

SCRIPT = """
import sys
from pathlib import Path

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in {"pandas", "numpy", "pyarrow", "duckdb", "lightgbm", "mlflow", "scipy"}:
            raise RuntimeError(f"imports {name}")

sys.meta_path.insert(0, Refusing())

import serving.commands.shop.serve
from serving.jobs.keeper import keeper_of
from serving.jobs.place import WorkPlace
from serving.jobs.store import JobStore
from serving.server.lifecycle import ServerLifecycle
from serving.settings import Serve
from serving.start.door import OneTimeLink
from serving.start.server import start_application
from serving.start.service import ShopStart
from serving.store.database import open_database
from starlette.testclient import TestClient

place = WorkPlace.of(Path(sys.argv[1]) / "regulars.toml")
store, link = JobStore(open_database(place.store_url)), OneTimeLink()
start = ShopStart(place, store, lambda: None)
app = start_application(start, link, Serve(), ServerLifecycle(), lambda: None)
client = TestClient(app, base_url="http://127.0.0.1")
assert client.get(f"/start?token={link.token}").status_code == 200
sent = client.post("/start/file", files={"orders": ("orders.csv", b"a,b")})
assert sent.status_code == 200 and len(store.unfinished()) == 1
print("lean")
"""


def test_the_server_of_a_first_start_reads_no_orders_itself(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "lean\n", done.stderr
