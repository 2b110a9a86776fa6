"""`docs/features.md`, written from the catalogue: `python -m features.documentation`."""

from pathlib import Path

from features.catalogue import BLOCKS, FEATURES

PAGE = Path("docs/features.md")

_HEAD = """# Features

{count} columns per customer at any date, from rows ordered (and in the file) before it. Written \
from the catalogue by `make docs`.

`state` says what must be kept of a customer to go on computing a feature without the log: **sum** \
and **counts** (running whole numbers, mergeable), **extreme** (first, last, smallest, largest), \
**window** (a year of orders), **orders** (all orders: medians, gaps), **derived** (nothing). Money \
is in units of the currency. A dash in the data (NaN) means that the feature has no meaning yet, \
such as a gap after one purchase.
"""


def feature_page() -> str:
    """The page as Markdown text."""
    parts = [_HEAD.format(count=len(FEATURES))]
    for block in BLOCKS:
        over = f"over `{block.grain}`" if block.grain else "derived from the columns above"
        parts.append(
            f"\n## {block.name}\n\n{over}\n\n"
            "| name | unit | state | meaning | 含义 |\n|---|---|---|---|---|\n"
        )
        parts += [
            f"| `{f.name}` | {f.unit} | {f.state} | {f.en} | {f.zh} |\n" for f in block.features
        ]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(feature_page(), encoding="utf-8")
