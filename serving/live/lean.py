"""What a process that scores does without: libraries that look after tables.

To be called before anything else is imported. Modules go on importing them at their top; they are
read from disk where one of them is used after all, such as for models of an earlier release.
"""

import sys
from importlib import import_module

from features.libraries.deferred import defer

NEVER = ("sklearn",)
"""LightGBM looks for it, and nothing is scored by it: 50 MB, and half of the start."""

WHEN_USED = ("pandas", "pyarrow", "pyarrow.compute", "pyarrow.csv", "pyarrow.parquet", "duckdb")
"""40 MB that single customers are scored without; each library before its parts."""


def stay_lean() -> None:
    """Keep what no score needs out of this process."""
    for name in (*NEVER, *WHEN_USED):
        # LightGBM must not find them either: it would take what is imported later for loaded
        sys.modules[name] = None  # type: ignore[assignment]
    import_module("lightgbm")
    for name in WHEN_USED:
        del sys.modules[name]
    defer(WHEN_USED)
