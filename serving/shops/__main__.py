"""Starts the process that scorers are forked from: `python -m serving.shops`."""

from importlib import import_module

from serving.live.lean import stay_lean

stay_lean()
import_module("serving.shops.fork_server").main()
