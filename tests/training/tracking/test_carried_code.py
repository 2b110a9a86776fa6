"""What a registered model carries along is enough to load it, and no more than it needs."""

import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from training.tracking.carried_code import REQUIREMENTS, ROOT, carried_code, needed_modules

WHAT_IS_THERE = """
import sys, importlib
sys.path.insert(0, {folder!r})
import training.pyfunc
assert training.pyfunc.__file__.startswith({folder!r})
print(*{{name.partition(".")[0] for name in sys.modules}})
"""


def closure(names):
    """The distributions that these bring with them, by their normal names."""
    waiting, found = list(names), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", re.split(r"[ ;\[<>=!~(]", waiting.pop())[0]).lower()
        if name in found:
            continue
        found.add(name)
        try:
            wanted = distribution(name).requires or []
        except ModuleNotFoundError:
            continue
        waiting += [text for text in wanted if "extra ==" not in text]
    return found


def test_it_is_loaded_from_what_it_carries_with_what_it_requires(tmp_path):
    code = WHAT_IS_THERE.format(folder=carried_code().name)
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    owners = packages_distributions()
    imported = {owner for name in done.stdout.split() for owner in owners.get(name, [])}
    # taken along where they are there, and not needed
    optional = {
        "scikit-learn",
        "regulars",
        "narwhals",
        "cloudpickle",
        "charset-normalizer",
        "setuptools",
        "psutil",
    }
    assert imported - optional <= {*closure(REQUIREMENTS)} | {
        name.replace("-", "_") for name in closure(REQUIREMENTS)
    }


def test_no_web_and_no_training_run_is_carried():
    names = {path.relative_to(ROOT).as_posix() for path in needed_modules()}
    assert "training/value/model.py" in names
    assert not [name for name in names if name.startswith(("training/tracking", "serving"))]
    for path in needed_modules():
        assert (Path(carried_code().name) / path.relative_to(ROOT)).read_bytes() == (
            path.read_bytes()
        )
