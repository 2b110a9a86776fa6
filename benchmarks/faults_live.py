"""Orders and kill −9, runs under load, a full disk, trainings, made-up requests: in full size.

    python -m benchmarks.faults_live [--kills N] [--swaps N] [--requests N] [--trainings N]
        [--cases N]

The same scenes as in tests/faults. Every figure is printed; a promise that is not kept ends
the program.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from tests.faults.test_openapi import scored_shop
from tests.support.ingest import kept_lines, send_through_kills
from tests.support.openapi_cases import send_cases
from tests.support.servers import UNHURRIED, running_server
from tests.support.storms import full_disk, publish_numbered, read_through_runs, send_orders
from tests.support.trained import trained_shop

ROOT = Path(__file__).parents[1]
TRAIN = """
import json, sys
from pathlib import Path
from tests.support.trained import trained_shop
from training.bundle.manifest import current_bundle, read_manifest

with trained_shop(Path(sys.argv[1])) as shop:
    folder = current_bundle(shop.settings.path(shop.settings.store.bundles))
    print(json.dumps(read_manifest(folder).files))
"""
"""Trains the shop of the tests, and prints the digests of the published files."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_live")
    parser.add_argument("--kills", type=int, default=100, help="of a server that takes orders")
    parser.add_argument("--swaps", type=int, default=50, help="runs published under load")
    parser.add_argument("--requests", type=int, default=20_000, help="while they are published")
    parser.add_argument("--cases", type=int, default=20_000, help="made up from OpenAPI")
    parser.add_argument("--trainings", type=int, default=5, help="in fresh processes")
    arguments = parser.parse_args()
    run(**vars(arguments))


def run(
    kills: int = 100,
    swaps: int = 50,
    requests: int = 20_000,
    trainings: int = 5,
    cases: int = 20_000,
) -> None:
    for scene, size in ((killed, kills), (filled, 10)):
        with tempfile.TemporaryDirectory() as folder:
            scene(_new_store(folder), size)
    with tempfile.TemporaryDirectory() as folder:
        swapped(_new_store(folder), swaps, requests)
    with tempfile.TemporaryDirectory() as folder:
        trained_alike(Path(folder), trainings)
    with tempfile.TemporaryDirectory() as folder:
        made_up(Path(folder), cases)


def _new_store(folder: str) -> str:
    url = f"sqlite:///{folder}/regulars.db"
    publish_numbered(url, 1)
    return url


def killed(url: str, kills: int) -> None:
    told = send_through_kills(lambda: running_server(url), kills=kills, seconds=0.6, seed=7)
    kept = kept_lines(url)
    lost, twice = len(told.acknowledged - set(kept)), len(kept) - len(set(kept))
    print(
        f"12: {told.kills} kills, {len(told.acknowledged)} lines acknowledged, "
        f"{told.retries} requests sent again: {lost} lost, {twice} twice",
        flush=True,
    )
    assert (lost, twice) == (0, 0)


def filled(url: str, times: int) -> None:
    number, refused = 0, 0
    with running_server(url) as (address, process):
        for _ in range(times):
            with full_disk(process, most=150_000):
                during = send_orders(address, range(number, number + 60))
            again = [one for one, status in during.items() if status == 503]
            assert again
            assert set(send_orders(address, again).values()) == {202}
            number, refused = number + 60, refused + len(again)
    kept = kept_lines(url)
    lost, twice = 2 * number - len(set(kept)), len(kept) - len(set(kept))
    print(
        f"24: the disk full {times} times: {refused} of {number} orders refused with 503 and "
        f"taken afterwards without a restart, {lost} lines lost, {twice} twice",
        flush=True,
    )
    assert (lost, twice) == (0, 0)


def swapped(url: str, swaps: int, requests: int) -> None:
    with running_server(url, script=UNHURRIED) as (address, _):
        found = read_through_runs(address, url, swaps=swaps, requests=requests)
    print(
        f"14: {swaps} runs published under {found.requests} requests: {len(found.errors)} errors {sorted(set(found.errors))}, "
        f"{len(found.mixed)} mixed answers, {len(found.runs)} runs seen",
        flush=True,
    )
    assert (found.errors, found.mixed) == ([], [])


def trained_alike(folder: Path, times: int) -> None:
    found = []
    for number in range(times):
        place = folder / str(number)
        place.mkdir()
        command = [sys.executable, "-W", "ignore", "-c", TRAIN, str(place)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    other = sum(one != found[0] for one in found)
    print(
        f"22: {times} trainings, each in a fresh process: {len(found[0])} model files, "
        f"{other} trainings unlike the first",
        flush=True,
    )
    assert other == 0


def made_up(folder: Path, cases: int) -> None:
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    sent, seed = 0, 0
    with trained_shop(folder) as shop:
        while sent < cases:
            seed += 1
            with scored_shop(shop.settings) as (app, token):
                found = send_cases(app, token, examples=250, seed=seed)
            for failure, text in found.failures.items():
                print(f"{failure}: {text}", flush=True)
            assert not found.failures
            sent += found.cases
    print(f"6: {sent} requests made up from OpenAPI, {seed} seeds: 0 not as declared", flush=True)


if __name__ == "__main__":
    sys.exit(main())
