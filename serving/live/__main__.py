"""Starts the process that scores: `python -m serving.live regulars.toml`."""

from importlib import import_module

from serving.live.lean import stay_lean

stay_lean()
import_module("serving.live.process").main()
