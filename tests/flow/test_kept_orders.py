"""Models and scores by way of a kept log are those that the files give."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from features.settings.loading import load_settings
from serving.commands.main import main
from serving.settings import Settings
from tests.support.shop import shop_settings, simulate_orders, write_config
from training.bundle.manifest import current_bundle, read_manifest

pytestmark = pytest.mark.slow


def trained_and_scored(folder: Path, **store: str) -> tuple[dict[str, str], pd.DataFrame]:
    """Hashes of the published models' files, and the scores, of a shop in `folder`."""
    folder.mkdir()
    simulate_orders(customers=140, days=330).to_parquet(folder / "orders.parquet")
    config = write_config(shop_settings(folder, store=store))
    for command in (["train"], ["score", "--output", str(folder / "out")]):
        done = CliRunner().invoke(main, [*command, "--config", str(config)])
        assert done.exit_code == 0, done.output
    settings = load_settings(config, Settings)
    manifest = read_manifest(current_bundle(settings.path(settings.store.bundles)))
    return dict(manifest.files), pd.read_parquet(folder / "out" / "scores.parquet")


def test_models_and_scores_are_the_same_with_and_without_a_kept_log(tmp_path):
    files, scores = trained_and_scored(tmp_path / "files")
    kept_files, kept_scores = trained_and_scored(tmp_path / "kept", log="data/log.duckdb")
    assert (tmp_path / "kept" / "data" / "log.duckdb").exists()
    assert not (tmp_path / "files" / "data" / "log.duckdb").exists()
    assert kept_files == files
    pd.testing.assert_frame_equal(kept_scores, scores, check_exact=True)
