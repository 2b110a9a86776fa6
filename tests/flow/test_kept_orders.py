"""Models and scores by way of a kept log are those that the files give."""

from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from serving.commands.main import main
from serving.settings import Settings
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS, copy_of
from training.bundle.manifest import current_bundle, read_manifest


def regulars(config: Path, *arguments: str) -> None:
    done = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert done.exit_code == 0, done.output


def hashes(settings: Settings) -> dict[str, str]:
    """Hashes of the published models' files."""
    manifest = read_manifest(current_bundle(settings.path(settings.store.bundles)))
    return dict(manifest.files)


def test_models_and_scores_are_the_same_with_and_without_a_kept_log(trained, tmp_path):
    settings = copy_of(trained, tmp_path / "files").settings
    out = tmp_path / "files" / "out"
    regulars(write_config(settings), "score", "--output", str(out))
    (tmp_path / "kept").mkdir()
    trained.orders.to_parquet(tmp_path / "kept" / "orders.parquet")
    kept = shop_settings(tmp_path / "kept", store={"log": "data/log.duckdb"}, **SECTIONS)
    regulars(write_config(kept), "train")
    regulars(kept.root / "regulars.toml", "score", "--output", str(kept.root / "out"))
    assert (tmp_path / "kept" / "data" / "log.duckdb").exists()
    assert not (tmp_path / "files" / "data" / "log.duckdb").exists()
    assert hashes(kept) == hashes(settings)
    pd.testing.assert_frame_equal(
        pd.read_parquet(kept.root / "out" / "scores.parquet"),
        pd.read_parquet(out / "scores.parquet"),
        check_exact=True,
    )
