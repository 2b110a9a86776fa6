"""Accuracy on six splits of public logs, beside the purchase-process models of other packages.

Every split is trained by the code behind `regulars train`, with nothing set but columns, place
and horizon; the peers are fitted to the same customers.

    python -m benchmarks accuracy --data FOLDER --peers-python PEERS/bin/python
"""

from benchmarks.accuracy.report import run

__all__ = ["run"]
