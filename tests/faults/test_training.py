"""The same orders and seed give the same model files, whichever process trains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.bundle.manifest import current_bundle, read_manifest

ROOT = Path(__file__).parents[2]

TRAIN = """
import json, sys
from pathlib import Path
from tests.support.trained import trained_shop
from training.bundle.manifest import current_bundle, read_manifest

with trained_shop(Path(sys.argv[1])) as shop:
    folder = current_bundle(shop.settings.path(shop.settings.store.bundles))
    print(json.dumps(read_manifest(folder).files))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_fresh_process_trains_the_same_files(trained, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAIN, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    here = read_manifest(current_bundle(trained.settings.path(trained.settings.store.bundles)))
    again = json.loads(done.stdout.splitlines()[-1])
    assert len(again) > 5
    assert again == dict(here.files)
