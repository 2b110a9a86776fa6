"""`make bench`: measures on real logs that are not part of the project, and on made-up ones."""

import argparse
from importlib import import_module
from pathlib import Path

PARTS = {
    "promises": "what it costs beside what nothing can be below, and beside peers; kept as JSON",
    "main-job": "the main job step by step, and the backtest, on real logs",
    "accuracy": "six splits of public logs, beside the peers' models where installed",
    "level": "the total of 90 days at 56 past dates of four public logs, said beside came",
    "intervals": "the intervals of value at the same dates, beside the first release",
    "ledger": "the ledger of customers on two public logs: opened, moved, closed, to the cent",
    "closing-value": "its interval on made-up shops whose future is known",
    "plain-lightgbm": "a LightGBM of an afternoon beside ours, on the six splits",
    "contracts": "who cancels, on made-up portfolios with anniversaries, beside LightGBM",
    "recommendation": "next baskets on two public logs, beside the peers where installed",
    "few-repeats": "next baskets that hardly repeat, beside TIFU-KNN, UP-CF and counting",
    "read-lists": "lists of thirty customers of three shops beside what they bought",
    "buyers": "who buys which product and category, beside its past buyers, on two public logs",
    "features": "the feature engine beside plain pandas and the bare scan, on made-up lines",
    "large": "a log in parts on disk, and its growth from a tenth of the lines",
    "kept": "a day of new lines on top of a log that is kept between runs",
    "process": "purchase processes: fitting and predicting, beside the peers' where installed",
    "attribution": "reasons for everyone: trees in tables beside LightGBM's pred_contrib",
    "score": "a score run step by step on made-up customers, and publishing it",
    "state": "one customer's features after one more order",
    "campaigns": "intervals of simulated campaigns: coverage, and null ones called positive",
    "decisions": "treatments in rounds: what exploring costs, and whether intervals hold",
    "hillstrom": "a randomised e-mail test read in as a campaign, and whom to target",
    "shops": "the memory of one server for twenty small shops",
    "serving": "the server beside a bare route and mlflow models serve, from another process",
    "pages": "the pages and files of a server with made-up customers",
    "audiences": "counts of audiences beside a scan of the rows, on made-up customers",
    "soak": "two hours of mixed traffic with orders, exports and score runs: failures, memory",
    "faults-serving": "stops, overload, nonsense, revoked keys: a server in its own process",
    "faults-live": "kills under orders, runs under load, a full disk, requests from OpenAPI",
    "faults-train": "kill -9 in training and publication, starts on empty stores",
    "faults-models": "mutated bundles, models changed under load",
    "faults-rows": "ten million lines of CSV, one in a thousand of them bad",
    "spark": "the same features on Spark (needs the extra regulars[spark] and Java)",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=list(PARTS), help=f"any of {PARTS}")
    parser.add_argument("--data", type=Path, required=True, help="folder with the real logs")
    parser.add_argument("--lines", type=int, default=1_000_000, help="size of the made-up log")
    parser.add_argument("--customers", type=int, default=100_000, help="of pages and audiences")
    parser.add_argument("--folder", type=Path, help="where large and kept write their log")
    parser.add_argument("--peers-python", type=Path, help="see benchmarks/peers.py")
    arguments = parser.parse_args()
    for part in arguments.parts or ("promises", "main-job", "features"):
        module = import_module(f"benchmarks.{part.replace('-', '_')}")
        print(f"\n# {part}: {PARTS[part]}")
        match part:
            case (
                "main-job"
                | "buyers"
                | "read-lists"
                | "hillstrom"
                | "ledger"
                | "level"
                | "intervals"
                | "plain-lightgbm"
            ):
                module.run(arguments.data)
            case "accuracy" | "recommendation":
                module.run(arguments.data, arguments.peers_python)
            case "features" | "score":
                module.run(arguments.lines)
            case "large" | "kept":
                module.run(arguments.lines, arguments.folder)
            case "pages" | "audiences":
                module.run(arguments.customers)
            case "promises":
                module.run(arguments.lines, arguments.customers)
            case "process":
                module.run(arguments.peers_python)
            case _:
                module.run()


if __name__ == "__main__":
    main()
