"""Runs the splits and prints the tables of docs/accuracy.md."""

import resource
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.judge import differences, measures
from benchmarks.accuracy.ours import Answer, answer
from benchmarks.accuracy.splits import SEED, SPLITS, Split
from benchmarks.peers import PEERS, run_peer

DAYS_PER_WEEK = 7
SMALLEST_DIFFERENCE = 1e-9


def run(data: Path, peers_python: Path | None) -> None:
    """Every split after the other: ours, the peers', the differences, and the CPU time of all."""
    print(f"seed {SEED}; intervals: paired bootstrap over customers, 200 resamples")
    for split in SPLITS:
        with tempfile.TemporaryDirectory() as root:
            ours = answer(split, data, Path(root))
        peers = peer_answers(ours, split, peers_python)
        print_split(split, ours, peers)
    print(f"\n{_cpu_seconds():.0f} CPU-seconds in all, reading and the peers included")


def peer_answers(ours: Answer, split: Split, python: Path | None) -> dict[str, pd.DataFrame]:
    """What each peer says, in our columns; peers that fail or are absent are left out."""
    features = ours.truth.features
    repeats = features["orders"] - 1
    rest = features["orders"] * features["mean_order_value"] - features["first_order_value"]
    mean_value = (rest / repeats.where(repeats > 0)).fillna(0.0)
    summary = pd.DataFrame(
        {
            "x": features["repeat_purchase_days"],
            "t_x": features["first_to_last_days"] / DAYS_PER_WEEK,
            "T": features["days_since_first_order"] / DAYS_PER_WEEK,
        }
    )
    # where every order is worth the same there is nothing for a peer to learn, and it fails
    worth_the_same = np.ptp(mean_value[repeats > 0]) < SMALLEST_DIFFERENCE
    if not worth_the_same:
        summary = summary.assign(value_orders=repeats, mean_value=mean_value)
    found = {}
    for peer in PEERS:
        result = run_peer(python, peer, summary, days=split.horizon_days / DAYS_PER_WEEK)
        if result is None or result.failure:
            print(f"{split.title}: {peer} left out: {result and result.failure}")
        else:
            said = result.predictions
            if worth_the_same:
                said = said.assign(expected_value=float(mean_value.max()))
            found[str(peer)] = in_our_words(said)
    return found


def in_our_words(predictions: pd.DataFrame) -> pd.DataFrame:
    """A peer's columns by the names of ours."""
    said = predictions.rename(columns={"p_no_order": "churn_probability"})
    return said.assign(clv=said["expected_orders"] * said["expected_value"])


def print_split(split: Split, ours: Answer, peers: dict[str, pd.DataFrame]) -> None:
    labels = ours.truth.labels
    print(f"\n## {split.title}: {len(labels):,} customers, {split.horizon_days} days")
    print(f"learned from {', '.join(ours.cutoffs)} days; {ours.cpu_seconds:.0f} CPU-seconds\n")
    rows = {"Regulars": measures(labels, ours.said, split.horizon_days)}
    rows |= {name: measures(labels, said, split.horizon_days) for name, said in peers.items()}
    names = list(rows["Regulars"])
    print("| | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    for name in names:
        cells = [f"{row[name]:.4g}" if name in row else "" for row in rows.values()]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| Regulars − peer | Gini | MAE | log loss |\n|---|---|---|---|")
    for name, said in peers.items():
        apart = differences(labels, ours.said, said)
        cells = [f"{whole:+.4g} [{low:+.4g}, {high:+.4g}]" for whole, low, high in apart.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
