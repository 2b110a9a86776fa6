"""Features that an installed package brings along: computed in runs, alone, and known to a proof."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

BLOCK = """
from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="own_lateness",
    features=(
        Feature(
            "lateness",
            "ratio",
            "derived",
            "days_since_last_order / NULLIF(mean_gap_days, 0)",
            message("silence in usual gaps"),
        ),
    ),
)
TAKEN = Block(name="rfm", features=BLOCK.features)
"""

USED = """
import pandas as pd
import regulars
from features.engines.live import LiveEngine
from tests.support.shop import COLUMNS, shop_settings, simulate_orders
from pathlib import Path
from training.bundle.live_proof import LiveProof

settings = shop_settings(Path("."))
with regulars.read_orders(settings, regulars.FrameSource(simulate_orders(customers=30))) as log:
    table = regulars.features(log)
expected = table["days_since_last_order"] / table["mean_gap_days"]
pd.testing.assert_series_equal(table["lateness"], expected, check_names=False)
assert LiveProof.made(settings).problem() is None
print("alike", int(table["lateness"].notna().sum()))
"""


def run(folder, entry, code):
    """Run `code` where a package with this entry point is installed."""
    (folder / "own_features.py").write_text(BLOCK)
    info = folder / "own_features-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-features\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[regulars.features]\nlateness = {entry}\n")
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
    )  # fmt: skip


def test_a_feature_of_a_package_is_one_in_runs_and_alone(tmp_path):
    done = run(tmp_path, "own_features:BLOCK", USED)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 10


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("own_features:TAKEN", "uses the name 'rfm', which is taken"),
        ("own_features:message", "is no Block with features of its own"),
        ("own_features:NOTHING", "cannot be loaded: AttributeError"),
    ],
)
def test_a_block_that_cannot_be_used_is_named(entry, why, tmp_path):
    done = run(tmp_path, entry, "import features.catalogue")
    assert done.returncode == 1
    assert why in done.stderr.splitlines()[-1]
