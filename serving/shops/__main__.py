"""Starts the process that scorers are forked from: `python -m serving.shops`."""

import sys
from importlib import import_module

# LightGBM looks for scikit-learn, by which nothing is scored: 50 MB, and half of the start.
sys.modules["sklearn"] = None  # type: ignore[assignment]

import_module("serving.shops.fork_server").main()
