"""Starts the worker of jobs: `python -m serving.jobs regulars.toml WORKER`."""

from serving.jobs.process import main

main()
