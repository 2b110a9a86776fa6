"""Rows of a list, cut out of customers' documents as text: no number and no sentence is read.

A document is written from a template (`serving.scoring.answers`), so the fields of a row stand in
it in an order that is known. What stands between two of their names is copied. Inside a text JSON
has a quotation mark behind a backslash only, so no value can hold what looks like a name.
"""

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from serving.churn_list.lists import encode_cursor, item
from serving.store.protocol import ChurnPage, SortKey
from serving.web.formats.fields import of_fields


class _Name(NamedTuple):
    """A name in a document.

    Attributes
    ----------
    text : the name with what stands around it, by which it is looked for
    field : what the row calls the value behind it; None: no row has it
    closes : how many of the first signs of `text` belong to the value before
    opens : how many of its last signs belong to the value behind
    """

    text: bytes
    field: str | None
    closes: int = 0
    opens: int = 0


def _names(*fields: str) -> list[_Name]:
    return [_Name(f',"{field}":'.encode(), field) for field in fields]


def _between(field: str) -> list[_Name]:
    """What follows is in no row, up to the next name."""
    return [_Name(f',"{field}":'.encode(), None)]


IN_ORDER = (
    _Name(b'{"customer_id":', "customer_id"),
    *_names("status"),
    *_between("as_of"),
    *_names("p_order", "churn_probability"),
    *_between("churn_percentile"),
    *_names("retention_risk", "rhythm"),
    *_between("p_alive"),
    *_names("clv", "clv_low", "clv_median", "clv_high"),
    *_names("value_if_order", "value_if_order_low", "value_if_order_high"),
    *_between("clv_lifetime"),
    *_names("expected_orders", "expected_order_value"),
    *_between("referral_value"),
    *_names("value_at_risk", "value_at_risk_pace"),
    *_names("contact_effect", "contact_effect_low", "contact_effect_high"),
    *_names("expected_profit", "suggested_action", "name", "consent"),
    _Name(b',"next_order":{"date":', "next_order_date"),
    _Name(b',"low":', "next_order_low"),
    _Name(b',"high":', "next_order_high"),
    *_between("p_order_7d"),
    *_names("at_risk_on", "reasons"),
    *_between("factors"),
    # values of segments are texts, those of indices numbers
    _Name(b',"segments":{', "segments", opens=1),
    _Name(b',"indices":{', "indices", opens=1),
    _Name(b'},"profit":', None, closes=1),
    _Name(b',"profile":{"orders":', "orders"),
    *_names("spend"),
    *_between("first_order_date"),
    *_names("last_order_date", "days_since_last_order", "usual_gap_days"),
    _Name(b'},"recommendations":[', None),
)
"""The names of a document at which a row is cut, as the template has them."""


class RowCutter:
    """Cuts rows out of documents.

    Parameters
    ----------
    fields : of a row to take; none: all
    """

    def __init__(self, fields: Collection[str] = ()) -> None:
        self._fields = fields
        self._names = [
            (
                name.text,
                len(name.text) - name.opens,
                name.closes,
                None
                if name.field is None or (fields and name.field not in fields)
                else f'"{name.field}":'.encode(),
            )
            for name in IN_ORDER
        ]

    def text(self, document: bytes) -> bytes:
        """The row as JSON: the values of `serving.churn_list.lists.item`, in the document's order.

        A document of another layout, such as an earlier release's, is read instead.
        """
        pieces = []
        written, start = None, 0
        for text, length, closes, field in self._names:
            at = document.find(text, start)
            if at < 0:
                return self._read(document)
            if written is not None:
                pieces.append(written + document[start : at + closes])
            written, start = field, at + length
        return b"{%b}" % b",".join(pieces)

    def _read(self, document: bytes) -> bytes:
        row = of_fields(item(document), self._fields)
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def page_text(
    about: Mapping[str, object], page: ChurnPage, sort: SortKey, fields: Collection[str] = ()
) -> bytes:
    """A page of a list as JSON.

    Parameters
    ----------
    about : what the answer says before its totals
    fields : of each row to take; none: all
    """
    cutter = RowCutter(fields)
    head = {
        **about,
        "total": page.totals.customers,
        "total_value_at_risk": page.totals.value_at_risk,
        "next_cursor": encode_cursor(page.after, sort) if page.after else None,
    }
    start = json.dumps(head, ensure_ascii=False)[:-1].encode()
    return b'%b,"customers":[%b]}' % (start, b",".join(map(cutter.text, page.documents)))
