"""`make bench`: measures on real logs that are not part of the project, and on made-up ones."""

import argparse
from importlib import import_module
from pathlib import Path

PARTS = {
    "main-job": "the main job step by step, and the backtest, on real logs",
    "features": "the feature engine beside plain pandas and the bare scan, on made-up lines",
    "state": "one customer's features after one more order",
    "spark": "the same features on Spark (needs the extra regulars[spark] and Java)",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=list(PARTS), help=f"any of {PARTS}")
    parser.add_argument("--data", type=Path, required=True, help="folder with the real logs")
    parser.add_argument("--lines", type=int, default=1_000_000, help="size of the made-up log")
    arguments = parser.parse_args()
    for part in arguments.parts or ("main-job", "features"):
        module = import_module(f"benchmarks.{part.replace('-', '_')}")
        print(f"\n# {part}: {PARTS[part]}")
        match part:
            case "main-job":
                module.run(arguments.data)
            case "features":
                module.run(arguments.lines)
            case _:
                module.run()


if __name__ == "__main__":
    main()
