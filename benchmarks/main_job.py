"""The main job step by step on real logs: seconds, CPU-seconds, peak memory, and the backtest.

Each step is the command a user types, in a process of its own.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from serving.commands.shop.demo import write_orders

REGULARS = (sys.executable, "-m", "serving.commands.main")


def run(data: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journey = Path(folder) / "complete_journey.parquet"
        write_orders(journey)
        # the file's clock is UTC and does not say so: init can only suspect it
        _measure(
            "Complete Journey",
            journey,
            {"UTC": "America/New_York", '"local"': '"utc"', "EUR": "USD"},
        )
        retail = data / "online_retail.parquet"
        if retail.exists():
            _measure("Online Retail", retail, {})
        else:
            print(f"{retail}: not there, Online Retail is left out")


def _measure(title: str, orders: Path, edits: dict[str, str]) -> None:
    print(f"\n## {title}\n\n| step | seconds | CPU s | peak MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "regulars.toml"
        _step("init", "init", str(orders), "--output", str(config))
        text = config.read_text(encoding="utf-8")
        for old, new in edits.items():
            text = text.replace(old, new)
        config.write_text(text, encoding="utf-8")
        _step("check", "check", "--config", str(config))
        out = _step("train", "train", "--json", "--config", str(config))
        _step("score", "score", "--config", str(config), "--output", folder)
    _print_backtest(json.loads(out))


def _step(name: str, *arguments: str) -> str:
    """Run one command; print its cost; return what it wrote."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.monotonic()
        process = os.posix_spawn(
            REGULARS[0],
            [*REGULARS, *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, usage = os.wait4(process, 0)
        seconds = time.monotonic() - started
        if status:
            raise SystemExit(f"{name} failed")
        cpu = usage.ru_utime + usage.ru_stime
        print(f"| {name} | {seconds:.1f} | {cpu:.1f} | {usage.ru_maxrss / 1024:,.0f} |", flush=True)
        out.seek(0)
        return out.read()


def _print_backtest(result: dict) -> None:
    print(
        "\n| model | measure | model | baseline | improvement (95 %) | grade |\n|---|---|---|---|---|---|"
    )
    means = {(r["task"], r["contender"], r["measure"]): r["mean"] for r in result["backtest"]}
    for task, grade in result["grades"].items():
        for (name, contender, measure), mean in means.items():
            beside = means.get((task, grade["baseline"], measure))
            if name == task and contender == "model":
                is_graded = measure.removesuffix("_at_10") == grade["measure"]
                verdict = (
                    f"{grade['improvement']:+.1%} [{grade['low']:+.1%}, {grade['high']:+.1%}] "
                    f"| **{grade['letter']}**"
                    if is_graded
                    else " | "
                )
                other = "" if beside is None else f"{beside:.4g}"
                print(f"| {task} | {measure} | {mean:.4g} | {other} | {verdict} |")
