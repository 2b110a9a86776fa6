"""Scores of one customer at once: what a run would say, without a run.

context   what a score of one customer needs to know of all the others
scorer    one customer's lines → the document that a run would publish
after     what was sent since the last run, in the scorer's terms
process   the worker: a process of its own with models and tables, asked over a pipe
pipe      the server's end of that pipe
worker    starts, watches, swaps and ends the worker
"""

CONTEXT = "context.json"
"""The context of the last run, beside the bundles."""
