"""Which rows are purchases: columns whose words speak of paid, cancelled, failed or returned."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft, ProposedVerdicts, Verdict, listed
from features.proposal.evidence import determines
from features.proposal.first_lines import fill_events
from features.proposal.names import likeness, spaced
from features.proposal.systems.layout import WordVerdicts
from features.sql_text import identifier
from features.vocabulary.words import folded, status_words

_MOST_WORDS = 60
_KNOWN_SHARE = 0.5
_MOSTLY_BLANK = 0.5
_BLANK = ""
_DASHES = frozenset({"", "—", "/", "无", "none", "n/a", "null"})
"""What stands for a blank, `folded`: dashes are nothing then."""
_SURE_SHARE = 0.9
_CANCELLED = re.compile(
    r"\b(cancel\w*|void(ed)?|storno|storniert|annul\w*|anulad\w*)\b|取消|作废", re.IGNORECASE
)
_FLAG = re.compile(
    r"\b(is )?(cancel\w*|void(ed)?|storno|storniert|annul\w*|anulad\w*|test( order| mode)?|deleted|draft)\b"
    r"|取消|作废|测试",
    re.IGNORECASE,
)
_GOOD_FLAG = re.compile(
    r"(is |was |has been )?(paid|captured|successful|succeeded|approved|valid|confirmed|bezahlt"
    r"|payée?|réglée?|pagad[oa]|confirmad[oa])|(是否)?(已)?(付款|支付)",
    re.IGNORECASE,
)
_BACK_FLAG = re.compile(
    r"(is |was |has been )?(fully )?(refunded|returned|refund|return|erstattet|retourniert|zurückgegeben"
    r"|remboursée?|retournée?|reembolsad[oa]|devuelt[oa])|(是否)?(已)?(退款|退货)",
    re.IGNORECASE,
)
_MOST_STATES, _NAMED, _PLAINLY = 30, 2, 3
_TRUE = frozenset({"true", "yes", "y", "1", "t", "ja", "oui", "sí", "si", "是", "x"})
_MODE = re.compile(r"^(live ?)?mode$|^environment$|模式$", re.IGNORECASE)
_LIVE = frozenset({"live", "production", "prod", "true", "yes", "1"})
_TRIAL = frozenset({"test", "sandbox", "staging", "demo", "development"})
_FALSE = frozenset({"false", "no", "n", "0", "f", "nein", "non", "否"})
# papers, which are no states: what a till or an accounting system writes beside its rows
_PAPERS: dict[str, Verdict] = {
    **dict.fromkeys(
        ("invoice", "sale", "sales", "order", "sales order", "sales invoice", "receipt", "payment",
         "charge", "rechnung", "bon", "verkauf", "bestellung", "facture", "vente", "commande",
         "factura", "venta", "pedido", "发票", "销售", "销售单", "销售订单", "出库", "订单"),
        "purchase",
    ),
    **dict.fromkeys(
        ("credit note", "credit memo", "refund", "return", "sales return", "gutschrift", "retoure",
         "rückgabe", "erstattung", "avoir", "remboursement", "retour", "nota de crédito",
         "nota de credito", "abono", "devolución", "reembolso", "退货", "退款", "退货单", "红字发票"),
        "return",
    ),
    **dict.fromkeys(
        ("quote", "quotation", "offer", "estimate", "proforma", "pro forma", "delivery note",
         "transfer", "payout", "withdrawal", "deposit", "angebot", "lieferschein", "kostenvoranschlag",
         "devis", "bon de livraison", "presupuesto", "albarán", "cotización", "报价", "报价单", "送货单",
         "调拨", "提现"),
        "none",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _StateColumn:
    """A column of few values and what is known of them."""

    column: Column
    rows: "pd.Series[int]"
    verdicts: dict[str, Verdict | None]

    @property
    def known_share(self) -> float:
        spoken = {
            word: verdict
            for word, verdict in self.verdicts.items()
            if word != _BLANK and folded(word) not in _DASHES
        }
        decided_rows = sum(int(self.rows[word]) for word, verdict in spoken.items() if verdict)
        return decided_rows / max(sum(int(self.rows[word]) for word in spoken), 1)

    @property
    def speaks_of_none(self) -> bool:
        return any(verdict in ("none", "return") for verdict in self.verdicts.values())


def find_statuses(draft: Draft) -> None:
    """Propose `status`, `document` and what their words mean; columns of cancellation dates."""
    _find_filled(draft)
    for field in ("status", "document"):
        if field in draft.mapped:
            column = draft.column(field)
            states = _words(draft, column, field) if column is not None else None
            if states is None:
                draft.drop(field)
            else:
                _decide(draft, field, states)
    if draft.layout is None:
        _find_by_words(draft)
        _find_flag(draft)
        _find_numbered(draft)


def _find_filled(draft: Draft) -> None:
    layout = draft.layout
    for field in ("none_when_filled", "none_when_empty"):
        chosen: list[str] = getattr(draft, field)
        names = getattr(layout, field) if layout else ()
        chosen.extend(column.name for name in names if (column := draft.named(name)) is not None)
    if layout is None:
        for column in draft.free():
            is_event = column.times is not None and 0 < column.missing_share < 1
            if is_event and column.missing_share > 0.5 and _CANCELLED.search(spaced(column.name)):
                draft.none_when_filled.append(column.name)
    fill_events(draft, [*draft.none_when_filled, *draft.none_when_empty])
    if draft.none_when_filled:
        draft.note(
            f"Rows with something in {listed(draft.none_when_filled)} are no purchases "
            "(data.rules.none_when_filled)."
        )


def _words(draft: Draft, column: Column, field: str) -> _StateColumn | None:
    """The values of a column over the whole file; None where they are too many to be words."""
    if column.distinct > _MOST_WORDS or column.times is not None:
        return None
    text = f"trim({identifier(column.name)}::VARCHAR)"
    counted = draft.log.query(f"""
        SELECT {text} AS word, count(*) AS rows FROM log_lines
        WHERE {text} <> '' GROUP BY word ORDER BY rows DESC, word""")
    rows: pd.Series[int] = counted.set_index("word")["rows"]
    blank = column.missing_share
    if blank and field in ("status", "document"):
        rows[_BLANK] = round(blank * draft.log.rows)
    if len(rows) > 4 * _MOST_WORDS:
        return None
    return _StateColumn(
        column, rows, {str(word): _verdict(draft, column, field, str(word)) for word in rows.index}
    )


def _verdict(draft: Draft, column: Column, field: str, word: str) -> Verdict | None:
    """What a word means: by the system's own list, then by the words of all shops."""
    if draft.layout is not None:
        of_layout = _of_layout(
            draft.layout.status if field == "status" else draft.layout.document, word
        )
        if of_layout:
            return of_layout
    if word == _BLANK or folded(word) in _DASHES:
        # who writes states of few orders alone means that the others stand
        dashes = column.entries.map(folded, na_action="ignore").isin(_DASHES).mean()
        return "purchase" if column.missing_share + dashes >= _MOSTLY_BLANK else None
    if field == "document" and (paper := _PAPERS.get(folded(word))):
        return paper
    verdict = status_words().verdict(word)
    return "none" if verdict == "test" else verdict


def _of_layout(listed_words: WordVerdicts, word: str) -> Verdict | None:
    text = folded(word)
    lists: tuple[tuple[Verdict, tuple[str, ...]], ...] = (
        ("purchase", listed_words.purchase),
        ("none", listed_words.none),
        ("return", listed_words.returned),
    )
    return next((verdict for verdict, spellings in lists if text in map(folded, spellings)), None)


def gives_back_by_word(draft: Draft) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Sampled rows that a column of states or papers calls a return."""
    rows = np.zeros(draft.log.sample_rows, dtype=bool)
    for column in draft.log.columns.values():
        if not column.is_text or column.distinct > _MOST_WORDS or column.times is not None:
            continue
        if max(likeness("status", column.name), likeness("document", column.name)) <= 0:
            continue
        of_returns = {
            word
            for word in column.entries.dropna().unique()
            if _PAPERS.get(folded(word), status_words().verdict(word)) == "return"
        }
        rows |= column.entries.isin(of_returns).to_numpy()
    return rows


def _find_by_words(draft: Draft) -> None:
    """Map the columns whose words tell purchases from others: payment before order, then more."""
    scored: list[tuple[float, _StateColumn]] = []
    for column in draft.free():
        if (
            not column.is_text
            or column.numbers is not None
            or not 1 <= column.distinct <= _MOST_WORDS
        ):
            continue
        named = max(likeness("status", column.name), likeness("document", column.name))
        if named < _NAMED and not _has_known_word(column):
            continue  # a look at the whole file, for each of thousands of columns, takes minutes
        states = _words(
            draft, column, "document" if likeness("document", column.name) > 0 else "status"
        )
        if states is None or not _is_told(states, named):
            continue
        scored.append((named + 2 * states.speaks_of_none + states.known_share, states))
    scored.sort(key=lambda pair: -pair[0])
    free_fields = [field for field in ("status", "document") if field not in draft.mapped]
    for _, states in scored:
        if not free_fields:
            draft.note(f"'{states.column.name}' also speaks of states of orders: it is not read.")
            continue
        # a second column counts where it says more than that all is well
        if len(free_fields) < 2 and not states.speaks_of_none:
            continue
        is_paper = likeness("document", states.column.name) > likeness("status", states.column.name)
        field = "document" if is_paper and "document" in free_fields else free_fields[0]
        free_fields.remove(field)
        draft.take(field, states.column, "by its words")
        _decide(draft, field, states)


def _has_known_word(column: Column) -> bool:
    words = map(str, column.entries.dropna().unique())
    return any(folded(word) in _PAPERS or status_words().verdict(word) for word in words)


def _is_told(states: _StateColumn, named: float) -> bool:
    if states.speaks_of_none and likeness("status", states.column.name) >= _PLAINLY:
        return True  # words that nobody knows are left to the person, not read as purchases
    if states.known_share < _KNOWN_SHARE:
        return False
    if named >= 2:
        return states.speaks_of_none or states.known_share >= _SURE_SHARE
    return named >= 0 and states.speaks_of_none and states.known_share >= _SURE_SHARE


def _decide(draft: Draft, field: str, states: _StateColumn) -> None:
    verdicts: dict[str, Verdict] = {}
    undecided: dict[str, str] = {}
    doubts: list[str] = []
    settled: dict[str, Verdict | None] = {}
    for word, meaning in states.verdicts.items():
        # words that differ in case alone are one
        same = folded(word)
        if same not in settled:
            is_paper = field == "document" and same in _PAPERS
            settled[same] = meaning if is_paper else _settled(draft, states.column, word, meaning)
        verdict = settled[same]
        if verdict is None:
            undecided[word] = status_words().ambiguous.get(same, "")
            continue
        verdicts[word] = verdict
        if _is_open_to_doubt(draft, field, word):
            doubts.append(f"'{word}' as {_PLAIN[verdict]}")
    rows = {str(word): int(count) for word, count in states.rows.items()}
    verdicts |= {
        word: verdict for word, verdict in _of_system(draft, field) if folded(word) not in settled
    }
    draft.verdicts[field] = ProposedVerdicts(verdicts, rows, undecided)
    _say(draft, states.column.name, draft.verdicts[field], doubts)


def _of_system(draft: Draft, field: str) -> list[tuple[str, Verdict]]:
    """The words that the system may write in later exports."""
    if draft.layout is None:
        return []
    system_words = draft.layout.status if field == "status" else draft.layout.document
    return [
        *((word, "purchase") for word in system_words.purchase),
        *((word, "none") for word in system_words.none),
        *((word, "return") for word in system_words.returned),
    ]


_PLAIN: dict[Verdict, str] = {"purchase": "a purchase", "none": "no purchase", "return": "a return"}


def _is_open_to_doubt(draft: Draft, field: str, word: str) -> bool:
    if draft.layout is not None:
        own = draft.layout.status if field == "status" else draft.layout.document
        if _of_layout(own, word):
            return False
    return status_words().is_ambiguous(word)


def _settled(draft: Draft, column: Column, word: str, meaning: Verdict | None) -> Verdict | None:
    """A word of giving back is told by its rows: negative ones give back, others were given back."""
    if meaning != "return" or draft.layout is not None:
        return meaning
    signs = _signs(draft)
    if signs is None:
        return "none"
    with_word = (column.entries == word).to_numpy()
    theirs = signs[with_word]
    if (theirs < 0).mean() >= _SURE_SHARE:
        return "return"
    if (theirs < 0).any() or _is_taken_back(draft, with_word, signs):
        # the sale keeps its row, another one takes it back
        return "purchase"
    return "return" if _shares_orders_with_sales(draft, with_word) else "none"


def _signs(draft: Draft) -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    """The sign of each row: below 0 where its money or its quantity is."""
    columns = [
        column.numbers
        for column in draft.log.columns.values()
        if column.numbers is not None
        and column.times is None
        and max(likeness(field, column.name) for field in ("amount", "quantity", "order_total"))
        >= 2
    ]
    if not columns:
        return None
    lowest = pd.concat(columns, axis=1).min(axis=1).fillna(0.0)
    signs: np.ndarray[Any, np.dtype[np.float64]] = np.sign(lowest.to_numpy(dtype=np.float64))
    return signs


def _is_taken_back(
    draft: Draft,
    with_word: "np.ndarray[Any, np.dtype[np.bool_]]",
    signs: "np.ndarray[Any, np.dtype[np.float64]]",
) -> bool:
    """Whether most orders with the word have a row of their own that takes them back."""
    order = draft.column("order_id")
    if order is None:
        return False
    negative = np.unique(order.codes[signs < 0])
    return bool(np.isin(order.codes[with_word], negative).mean() >= _KNOWN_SHARE)


def _shares_orders_with_sales(
    draft: Draft, with_word: "np.ndarray[Any, np.dtype[np.bool_]]"
) -> bool:
    """Whether rows of giving back repeat goods that the same order sold on another row."""
    order, product = draft.column("order_id"), draft.column("product_id")
    if order is None:
        return False
    keys = pd.DataFrame({"order": order.codes, "product": product.codes if product else 0})
    goods = pd.Index(pd.MultiIndex.from_frame(keys))
    return bool(goods[with_word].isin(goods[~with_word]).mean() >= _SURE_SHARE)


def _say(draft: Draft, name: str, proposed: ProposedVerdicts, doubts: list[str]) -> None:
    def counted(spellings: list[str]) -> str:
        return ", ".join(f"'{word}' ({proposed.rows.get(word, 0):,} rows)" for word in spellings)

    of_file: dict[Verdict, list[str]] = {
        verdict: [word for word in proposed.words(verdict) if word in proposed.rows]
        for verdict in _PLAIN
    }
    parts = [
        f"{counted(of_file[verdict])} {'are' if len(of_file[verdict]) > 1 else 'is'} {_PLAIN[verdict]}"
        for verdict in ("none", "return")
        if of_file[verdict]
    ]
    purchases = of_file["purchase"]
    if purchases:
        parts.append(
            f"{listed(purchases)} {'count' if len(purchases) > 1 else 'counts'} as purchases"
        )
    if parts:
        draft.note(f"'{name}' says which rows are purchases: {'; '.join(parts)}.")
    if doubts:
        draft.note(
            f"CHECK in '{name}': {', '.join(doubts)}. Other shops mean something else by it."
        )
    if proposed.undecided:
        spellings = list(proposed.undecided)
        draft.note(
            f"CHECK: nobody has decided what {counted(spellings)} in '{name}' means: such rows are set aside "
            "until the settings say it."
        )


def _flag_kind(name: str) -> Literal["bad", "good", "back", "mode"] | None:
    """What a yes in a column of this name says: no purchase, a purchase, given back, or live or test."""
    text = spaced(name)
    if _MODE.search(text):
        return "mode"
    if _GOOD_FLAG.fullmatch(text):
        return "good"
    if _BACK_FLAG.fullmatch(text):
        return "back"
    return "bad" if _FLAG.search(text) else None


def _flag_verdict(word: str, kind: str) -> Verdict | None:
    """What yes or no of a flag, or live or test of a mode, says of a row."""
    text = folded(word)
    if kind == "mode" and text in _LIVE:
        return "purchase"
    if kind == "mode":
        return "none" if text in _TRIAL or text in _FALSE else None
    if text not in _TRUE | _FALSE:
        return None
    if (text in _TRUE) == (kind == "good"):
        return "purchase"
    return "return" if kind == "back" else "none"


def _find_flag(draft: Draft) -> None:
    """A column of yes and no that says of a row that it was cancelled, unpaid, given back or a test."""
    free_fields: list[Literal["status", "document"]] = [
        field for field in ("document", "status") if field not in draft.mapped
    ]
    for column in draft.free():
        kind = _flag_kind(column.name)
        if kind is None or column.distinct > 2:
            continue
        states = _words(draft, column, "flag")
        if states is None:
            continue
        verdicts = {word: _flag_verdict(word, kind) for word in states.verdicts}
        if None in verdicts.values() or (states.rows.sum() < 0.9 * draft.log.rows):
            continue
        if not {"none", "return"} & set(verdicts.values()):
            continue
        if not free_fields:
            draft.note(
                f"CHECK: '{column.name}' also says which rows are no purchases: it is not read, since two "
                "such columns are read already."
            )
            continue
        field = free_fields.pop(0)
        draft.take(field, column, "by its yes and no")
        _decide(draft, field, _StateColumn(column, states.rows, verdicts))


def _find_numbered(draft: Draft) -> None:
    """A column of states as numbers, which a system explains elsewhere: nobody has decided them."""
    if "status" in draft.mapped:
        return
    customer = draft.column("customer_id")
    for column in draft.liked("status", 3):
        is_few = column.is_whole and 2 <= column.distinct <= _MOST_STATES
        if not is_few or column.times is not None:
            continue
        if customer is not None and (determines(customer, column) or 0) >= _SURE_SHARE:
            continue  # a state of the customer, or of the country
        states = _words(draft, column, "flag")
        if states is None:
            continue
        draft.take("status", column, "by its name; its numbers must be explained")
        undecided = dict.fromkeys(states.verdicts)
        _decide(draft, "status", _StateColumn(column, states.rows, undecided))
        return
