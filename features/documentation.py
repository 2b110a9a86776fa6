"""`docs/features.md`, written from the catalogue: `python -m features.documentation`."""

from pathlib import Path

from features.blocks.block import Block
from features.catalogue import BLOCKS, FEATURES, OPTIONAL_BLOCKS, OPTIONAL_FEATURES
from features.language.message import Phrase, message

PAGE = Path("docs/features.md")

_HEAD = """# Features

{count} columns per customer at any date, from rows ordered (and in the file) before it. Written \
from the catalogue by `make docs`.

`state` says what must be kept of a customer to go on computing a feature without the log: **sum** \
and **counts** (running whole numbers, mergeable), **extreme** (first, last, smallest, largest), \
**window** (a year of orders), **orders** (all orders: medians, gaps), **derived** (nothing), \
**table** (the rows of an optional table). Money is in units of the currency. A dash in the data \
(NaN) means that the feature has no meaning yet, such as a gap after one purchase.
"""


_OPTIONAL = """
# Features of optional tables

{count} columns more where the tables are configured, after those above; a shop without a table has \
none of its columns. A table that is added or removed changes the columns, so the models have to be \
trained again. Rows of interactions and contacts are seen from the day on which they happened (and \
came in).
"""

_NEEDS = {
    "interactions": "needs `[data.interactions]`",
    "items": "needs `[data.interactions]` with `product_id` or `category`",
    "referrals": "needs `[data.interactions]` with `other_customer_id`",
    "contacts": "needs `[data.contacts]`",
    "cancellations": "needs `[data.customers]` with `cancelled_on`",
    "contract_starts": "needs `[data.customers]` with `cancelled_on` and `started_on`",
    "contract_terms": "needs `[data.customers]` with `started_on` and `term_months`",
}

_ATTRIBUTES = """
## attributes

over `customer_attributes`, needs `[data.customers]` with `attributes`

{table}| `attribute_<name>` | count | table | {number} |
| `is_<name>_<level>` | yes_no | table | {level} |

**Attributes have no history.** The table says how customers are today, and every past date that the \
models learn from is given the same values. An attribute that the shop changes after the fact, such as a \
'lost' flag or a loyalty tier, tells the past what came later: the backtest then looks better than the \
models are. Name only what was known from the start: age, sex, region, the channel of the first contact.
"""


def feature_page() -> str:
    """The page as Markdown text."""
    return "".join(
        [
            _HEAD.format(count=len(FEATURES)),
            *map(_section, BLOCKS),
            _OPTIONAL.format(count=len(OPTIONAL_FEATURES)),
            *map(_section, OPTIONAL_BLOCKS),
            _ATTRIBUTES.format(
                table=_table_head(),
                number=_cells(message("a number of `data.customers.attributes` as it is")),
                level=_cells(message("whether text is this value of `data.customers.levels`")),
            ),
        ]
    )


def _section(block: Block) -> str:
    over = f"over `{block.grain}`" if block.grain else "derived from the columns above"
    needs = f", {_NEEDS[block.needs]}" if block.needs else ""
    rows = "".join(
        f"| `{feature.name}` | {feature.unit} | {feature.state} | {_cells(feature.meaning)} |\n"
        for feature in block.features
    )
    return f"\n## {block.name}\n\n{over}{needs}\n\n{_table_head()}{rows}"


def _table_head() -> str:
    """The head of a table of features, with a meaning in every language."""
    meaning = _cells(message("meaning"))
    head = f"| name | unit | state | {meaning} |\n"
    return f"{head}|{'---|' * (head.count('|') - 1)}\n"


def _cells(phrase: Phrase) -> str:
    """A text in every language, a cell each."""
    return " | ".join(phrase.in_all_languages().values())


if __name__ == "__main__":
    PAGE.write_text(feature_page(), encoding="utf-8")
