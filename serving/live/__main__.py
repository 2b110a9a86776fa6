"""Starts the process that scores: `python -m serving.live regulars.toml`."""

import sys
from importlib import import_module

# LightGBM looks for scikit-learn, by which nothing is scored: 50 MB, and half of the start.
sys.modules["sklearn"] = None  # type: ignore[assignment]

import_module("serving.live.process").main()
