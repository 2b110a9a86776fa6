"""The server beside a bare route and beside `mlflow models serve`, asked from another process.

    python -m benchmarks.serving [--customers N] [--seconds N]

Each route is asked for a few seconds in turn with the others, several times over, by
`benchmarks.load` on loopback; the medians are told. Processor time is that of the server's
process alone. Keys, limits, metrics and logs are on.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from serving.people.api_keys.keys import new_key
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.web.access import ACCESS
from tests.support.scores import run_info, score_tables
from tests.support.sent import sent_lines
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS, trained_shop

ROUNDS = 3
CONNECTIONS = 8
BATCH = 200
READS_PER_SECOND = 2_000
ORDERS_PER_SECOND = 50
PACED_CONNECTIONS = 32
"""So many that a request which is due does not wait for a connection."""

TREES, FEATURES = 300, 60

BARE = """
import sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = Path(sys.argv[2]).read_bytes()
async def get(request):
    return Response(body, media_type="application/json")
app = Starlette(routes=[Route("/v1/customers/{customer_id}", get), Route("/healthz", get)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


@dataclass
class Server:
    """A process that listens, and how long it took until it first answered."""

    name: str
    process: subprocess.Popen
    port: int
    start_seconds: float

    def memory_mb(self) -> list[float]:
        """What its process has in use now, and what those that it started have."""
        pids = _family(self.process)
        return [_memory_mb(pid) for pid in sorted(pids, key=lambda pid: pid != self.process.pid)]


@dataclass
class Route:
    """What is asked of a server, and what came of it, round by round."""

    name: str
    server: Server
    requests: Sequence[str]
    connections: int = CONNECTIONS
    per_second: float | None = None
    found: list[dict] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3, help="of each route and round")
    arguments = parser.parse_args()
    run(arguments.customers, arguments.seconds)


def run(customers: int = 100_000, seconds: float = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with trained_shop(_new(folder / "shop")) as shop:
            _score(shop.settings)
            lines = sent_lines(shop.orders)
            end = shop.orders["time"].max().to_pydatetime()
        many = shop_settings(_new(folder / "many"), **_serve(SECTIONS))
        (many.root / "data").mkdir(exist_ok=True)
        _link_models(shop.settings, many)
        ids, body = _publish(many, customers)
        (folder / "body").write_bytes(body)
        model = lightgbm_model(folder / "model")
        with (
            running_server(
                "bare Starlette", [sys.executable, "-c", BARE], [folder / "body"]
            ) as bare,
            running_server("regulars serve", *_regulars(many)) as ours,
            running_server("regulars serve, live", *_regulars(shop.settings)) as live,
            running_server("mlflow models serve", *mlflow_command(model), path="/ping") as mlflow,
        ):
            routes = [
                *_reads(bare, ours, _key(many), ids),
                *_scores(live, _key(shop.settings), lines, end),
                *mlflow_routes(mlflow),
            ]
            for _ in range(ROUNDS):
                for route in routes:
                    route.found.append(asked(route, seconds, folder))
            _tell(routes, [bare, ours, live, mlflow])


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _serve(sections: dict) -> dict:
    return {**sections, "serve": {"requests_per_second": 1_000_000}}


def _score(settings: Settings) -> None:
    changed = shop_settings(settings.root, **_serve(SECTIONS))
    config = write_config(changed)
    command = [sys.executable, "-m", "serving.commands.main", "score", "--config", str(config)]
    subprocess.run(command, check=True, capture_output=True)


def _link_models(shop: Settings, many: Settings) -> None:
    """The large store is served with the small shop's models."""
    target = many.path(many.store.bundles)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(shop.path(shop.store.bundles), target_is_directory=True)
    write_config(many)


def _publish(settings: Settings, customers: int) -> tuple[list[str], bytes]:
    stores = open_stores(settings.database_url(settings.store.url))
    scores, recommendations = score_tables(customers)
    stores.scores.publish(run_info(), scores, recommendations)
    ids = np.random.default_rng(1).permutation(scores["customer_id"]).tolist()
    body = stores.scores.customer(ids[0]).body
    stores.close()
    return ids, body


def _key(settings: Settings) -> str:
    stores = open_stores(settings.database_url(settings.store.url))
    token, key = new_key("admin", name="bench", at=datetime.now(UTC), expires_days=1)
    stores.keys.add(key)
    stores.close()
    return token


def lightgbm_model(folder: Path) -> Path:
    import lightgbm
    import mlflow

    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(4_000, FEATURES))).add_prefix("f")
    data = lightgbm.Dataset(rows, label=(rows["f0"] + rng.normal(size=4_000) > 0))
    options = {"objective": "binary", "num_threads": 1, "verbose": -1, "seed": 1}
    booster = lightgbm.train(options, data, TREES)
    mlflow.lightgbm.save_model(booster, str(folder), pip_requirements=[])
    return folder


def _regulars(settings: Settings) -> tuple[list[str], list[str]]:
    config = settings.root / "regulars.toml"
    command = [
        sys.executable,
        "-m",
        "serving.commands.main",
        "serve",
        "--config",
        str(config),
        "--port",
    ]
    return command, []


def mlflow_command(model: Path) -> tuple[list[str], list[str]]:
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    return [*command, "--host", "127.0.0.1", "-m", str(model), "--port"], []


@contextmanager
def running_server(
    name: str, command: Sequence[str], more: Sequence[object], *, path: str = "/healthz"
) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    # A group of its own: some servers start others, which must end with them.
    process = subprocess.Popen(
        [*command, str(port), *map(str, more)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # mlflow starts a program by its name alone
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    try:
        _wait(f"http://127.0.0.1:{port}{path}", process)
        took = time.perf_counter() - started
        yield Server(name, process, port, took)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=60)


def _wait(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own
            return
        time.sleep(0.02)
    raise AssertionError("the server did not start")


def _family(process: subprocess.Popen) -> list[int]:
    """The processes of its group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == process.pid:
                found.append(int(stat.parent.name))
    return found


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _cpu_seconds(server: Server) -> float:
    ticks = 0
    for pid in _family(server.process):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _reads(bare: Server, ours: Server, key: str, ids: Sequence[str]) -> list[Route]:
    some = ids[:5_000]
    groups = [ids[start : start + BATCH] for start in range(0, 10_000, BATCH)]
    batches = [json.dumps({"customer_ids": group}) for group in groups if group]
    one = [get_request(f"/v1/customers/{name}", key) for name in some]
    paced = [
        Route(
            f"{name}, {READS_PER_SECOND:,} a second",
            server,
            one,
            connections=PACED_CONNECTIONS,
            per_second=READS_PER_SECOND,
        )
        for name, server in (("bare route", bare), ("get one", ours))
    ]
    return [
        Route("bare route", bare, one),
        Route("get one", ours, one),
        *paced,
        Route(
            f"batch of {BATCH}",
            ours,
            [post_request("/v1/customers/scores", key, body) for body in batches],
        ),
        Route("churn list, 100 rows", ours, [get_request("/v1/churn-list?limit=100", key)]),
    ]


def _scores(live: Server, key: str, lines: dict, end: datetime) -> list[Route]:
    def as_sent(line: object) -> dict:
        return {**vars(line), "ordered_at": line.ordered_at.isoformat()}

    orders = [
        {"customer_id": name, "lines": [as_sent(line) for line in its]}
        for name, its in lines.items()
    ]
    routes = [
        Route(
            "stateless score", live, [post_request("/v1/score", key, json.dumps(o)) for o in orders]
        )
    ]
    if ("POST", "/v1/transactions") not in ACCESS:
        print("no route for new orders yet: left out")
        return routes
    news = []
    for number in range(20_000):
        name = list(lines)[number % len(lines)]
        line = as_sent(lines[name][0])
        at = (end + timedelta(seconds=number)).isoformat()
        line |= {"customer_id": name, "order_id": f"new-{number}", "line": 1, "ordered_at": at}
        news.append(post_request("/v1/transactions", key, json.dumps({"lines": [line]})))
    half = len(news) // 2
    return [
        *routes,
        Route(
            f"new order → score, {ORDERS_PER_SECOND} a second",
            live,
            news[:half],
            connections=PACED_CONNECTIONS,
            per_second=ORDERS_PER_SECOND,
        ),
        Route("new order → score", live, news[half:]),
    ]


def mlflow_routes(mlflow: Server) -> list[Route]:
    names, row = [f"f{number}" for number in range(FEATURES)], [0.5] * FEATURES
    return [
        Route(
            f"mlflow, {count} {'row' if count == 1 else 'rows'}",
            mlflow,
            [post_request("/invocations", "", _frame(names, [row] * count))],
        )
        for count in (1, BATCH)
    ]


def _frame(names: list[str], rows: list[list[float]]) -> str:
    return json.dumps({"dataframe_split": {"columns": names, "data": rows}})


def get_request(path: str, key: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"


def post_request(path: str, key: str, body: str) -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    )


def asked(route: Route, seconds: float, folder: Path) -> dict:
    file = folder / "requests"
    # An order is new only once: each round goes on where the one before ended.
    done = sum(sum(one["statuses"].values()) for one in route.found) % len(route.requests)
    turned = [*route.requests[done:], *route.requests[:done]]
    file.write_text("\n".join(map(json.dumps, turned)))
    before = _cpu_seconds(route.server)
    command = [sys.executable, "-m", "benchmarks.load", str(route.server.port)]
    command += [str(route.connections), str(seconds), str(file)]
    if route.per_second is not None:
        command.append(str(route.per_second))
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(said.stdout)
    found["cpu_us"] = 1e6 * (_cpu_seconds(route.server) - before) / sum(found["statuses"].values())
    return found


def _tell(routes: Sequence[Route], servers: Sequence[Server]) -> None:
    bare = _median(routes[0], "per_second")
    print(
        f"\n{CONNECTIONS} connections, medians of {ROUNDS} rounds, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| route | requests/s | × bare | p50 ms | p99 ms | CPU µs a request | statuses |")
    print("|---|---|---|---|---|---|---|")
    for route in routes:
        rate = _median(route, "per_second")
        waits = [_median(route, name) for name in ("p50_ms", "p99_ms", "cpu_us")]
        statuses = sorted({status for one in route.found for status in one["statuses"]})
        print(
            f"| {route.name} | {rate:,.0f} | {rate / bare:.2f} | {waits[0]:.1f} | {waits[1]:.1f} |"
            f" {waits[2]:,.0f} | {', '.join(statuses)} |"
        )
    print("\n| server | ready after s | MB at the end, each process |\n|---|---|---|")
    for server in servers:
        memory = " + ".join(f"{each:.0f}" for each in server.memory_mb())
        print(f"| {server.name} | {server.start_seconds:.1f} | {memory} |")


def _median(route: Route, name: str) -> float:
    return statistics.median(one[name] for one in route.found)


if __name__ == "__main__":
    main()
