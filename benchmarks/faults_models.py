"""Mutated bundles, and other models put in force while many ask: in full size.

    python -m benchmarks.faults_models [--mutations N] [--changes N] [--requests N]

Files of a published bundle are changed at random, without and with a manifest that agrees, and
loaded in a process of its own each, as the server tries new models. Every figure is printed; a
promise that is not kept ends the program.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.faults_train import ended
from features.errors import RegularsError
from features.orders.log import read_orders
from features.sources import FrameSource
from serving.live.worker import Limits, Worker, worker_for
from serving.settings import Settings
from tests.support.sent import sent_lines
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS, SHOP
from tests.support.workers import wait_until
from training.bundle.in_force import put_in_force
from training.bundle.manifest import MANIFEST, read_manifest, sha256_of
from training.bundle.publication import load_models_of
from training.errors import BundleError

LONGEST_SECONDS = 30
REFUSED, OTHER = 3, 4
ASKING = 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_models")
    parser.add_argument("--mutations", type=int, default=300, help="of each kind of file")
    parser.add_argument("--changes", type=int, default=50, help="of models, under load")
    parser.add_argument("--requests", type=int, default=20_000, help="at the least, meanwhile")
    arguments = parser.parse_args()
    run(arguments.mutations, arguments.changes, arguments.requests)


def run(mutations: int = 300, changes: int = 50, requests: int = 20_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings, bundles = _two_bundles(Path(folder))
        for suffix in sorted({Path(name).suffix for name in read_manifest(bundles[0]).files}):
            _tell_mutations(suffix, bundles[0], mutations)
        change_models(settings, bundles, changes, requests)


def _two_bundles(root: Path) -> tuple[Settings, list[Path]]:
    """The shop of the tests, trained twice with other seeds: models that say other things."""
    orders = simulate_orders(**SHOP)
    orders.to_parquet(root / "orders.parquet", index=False)
    settings = shop_settings(root, **SECTIONS)
    folder = settings.path(settings.store.bundles)
    for seed in (1, 2):
        # trees are grown in a process of their own: their threads do not survive a fork
        assert ended(lambda seed=seed: _train(root, seed)) == 0
    bundles = sorted(path for path in folder.iterdir() if (path / MANIFEST).exists())
    assert len(bundles) == 2
    return settings, bundles


def _train(root: Path, seed: int) -> None:
    from training.job import train

    sections = {**SECTIONS, "train": {**SECTIONS["train"], "seed": seed}}
    with read_orders(shop_settings(root, **sections), FrameSource(simulate_orders(**SHOP))) as log:
        assert train(log, None).bundle is not None


def _tell_mutations(suffix: str, bundle: Path, times: int) -> None:
    draw = random.Random(11)  # noqa: S311 - which byte is hit must not be secret
    found = {agreeing: Counter[str]() for agreeing in (False, True)}
    for agreeing, outcomes in found.items():
        for _ in range(times):
            with mutated(bundle, suffix, draw, agreeing=agreeing):
                outcomes[_outcome(ended(lambda: _try(bundle)))] += 1
    print(
        f"2: {times} mutations of {suffix} files: hash differs: {dict(found[False])}; "
        f"hash agrees: {dict(found[True])}",
        flush=True,
    )
    assert found[False] == {"refused": times}
    assert ended(lambda: _try(bundle)) == 0


@contextmanager
def mutated(bundle: Path, suffix: str, draw: random.Random, *, agreeing: bool) -> Iterator[None]:
    """One to four bytes of a file changed; the manifest says so where it is `agreeing`."""
    manifest = (bundle / MANIFEST).read_bytes()
    names = sorted(name for name in read_manifest(bundle).files if name.endswith(suffix))
    name = draw.choice(names)
    content = (bundle / name).read_bytes()
    changed = bytearray(content)
    while bytes(changed) == content:
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    (bundle / name).write_bytes(changed)
    if agreeing:
        said = json.loads(manifest)
        said["files"][name] = sha256_of(bundle / name)
        (bundle / MANIFEST).write_text(json.dumps(said))
    try:
        yield
    finally:
        (bundle / name).write_bytes(content)
        (bundle / MANIFEST).write_bytes(manifest)


def _try(bundle: Path) -> None:
    """What the process that tries new models does: load them, compare their golden rows."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    os.dup2(quiet, sys.stderr.fileno())
    signal.alarm(LONGEST_SECONDS)
    try:
        load_models_of(bundle)
    except BundleError:
        os._exit(REFUSED)
    except Exception:  # noqa: BLE001 - whatever it is, the models are not taken
        os._exit(OTHER)


def _outcome(code: int) -> str:
    """In words; `ended` tells the death by a signal as a negative number."""
    if code < 0:
        return "too slow" if code == -signal.SIGALRM else "process died"
    return {0: "golden rows the same", REFUSED: "refused", OTHER: "refused by another error"}[code]


def change_models(settings: Settings, bundles: list[Path], changes: int, requests: int) -> None:
    """Put one of two bundles in force after the other while `ASKING` threads ask for scores."""
    config = write_config(settings)
    body = _question()
    limits = Limits(poll_seconds=0.1, answer_seconds=60.0)
    stop, answers, errors = threading.Event(), Counter[str](), list[str]()

    def ask_on(worker: Worker) -> None:
        while not stop.is_set():
            try:
                answers[_said(worker.ask(body))] += 1
            except RegularsError as error:
                errors.append(str(error))

    with worker_for(config, bundles[0].parent, limits) as worker:
        known = {_put(worker, bundle, lambda: _said(worker.ask(body))) for bundle in bundles}
        assert len(known) == 2
        threads = [threading.Thread(target=ask_on, args=(worker,)) for _ in range(ASKING)]
        for thread in threads:
            thread.start()
        for number in range(changes):
            _put(worker, bundles[number % 2], lambda: None)
        wait_until(lambda: answers.total() >= requests, seconds=1_200)
        stop.set()
        for thread in threads:
            thread.join()
    foreign = answers.total() - sum(answers[one] for one in known)
    print(
        f"14: {changes} changes of models under {answers.total()} scores asked for: "
        f"{len(errors)} errors, {foreign} answers of neither",
        flush=True,
    )
    assert (errors, foreign) == ([], 0)


def _put(worker: Worker, bundle: Path, then: Callable[[], Any]) -> Any:
    put_in_force(bundle)
    wait_until(lambda: worker.bundle_id == bundle.name, seconds=60)
    return then()


def _question() -> dict[str, Any]:
    lines = [
        {**vars(line), "ordered_at": line.ordered_at.isoformat()}
        for line in sent_lines(simulate_orders(**SHOP))["c0003"]
    ]
    return {
        "customer_id": "c0003",
        "lines": lines,
        "as_of": None,
        "consents": False,
        "features": {},
    }


def _said(answer: Any) -> str:
    return json.dumps(answer["document"], sort_keys=True)


if __name__ == "__main__":
    main()
