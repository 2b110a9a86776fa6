"""The churn list as an Excel workbook for people, with a sheet that explains its columns."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from features.language.languages import Language
from features.language.message import mark
from serving.churn_list import lists
from serving.churn_list.export_words import ExportWords
from serving.churn_list.list_columns import LIST_COLUMNS, columns_for_people
from serving.contacts.left_out import ContactableList, is_consent_kept
from serving.store.protocol import ChurnFilter, ScoreReader, SortKey
from serving.store.rule.text import text_of_rule
from serving.store.run import RunInfo
from serving.web.words import Words
from serving.web.workbook import Row, WorkbookColumn, WorkbookNotes, workbook_bytes

SHEET = mark("Customers")
NOTES = mark("About this list")


def list_workbook(
    store: ScoreReader,
    asked: ChurnFilter,
    *,
    sort: SortKey,
    contactable: ContactableList,
    language: Language | None = None,
) -> Iterator[bytes]:
    """The whole filtered list as a workbook.

    Parameters
    ----------
    asked : the reader's filter, for the notes
    contactable : who of them may be contacted
    language : of all words; None: English
    """
    run = contactable.first.run
    wording = ExportWords(language, run.info, for_people=True)
    names = columns_for_people(run.info)
    header = lists.header(contactable.first)
    order = [header.index(name) for name in names]
    blocks = (
        [[row[place] for place in order] for row in rows]
        for rows in lists.row_blocks(
            store, contactable.chosen, sort=sort, first=contactable.first, wording=wording
        )
    )
    return workbook_bytes(
        [_column(name, run.info, wording) for name in names],
        blocks,
        title=wording.words.say(SHEET),
        money=wording.words.amounts(run.info, run.summary.money),
        notes=WorkbookNotes(
            title=wording.words.say(NOTES),
            rows=_notes(contactable, asked, sort, names, wording),
        ),
    )


def _column(name: str, info: RunInfo, wording: ExportWords) -> WorkbookColumn:
    if name in LIST_COLUMNS:
        return WorkbookColumn(wording.title(name), LIST_COLUMNS[name].kind)
    return WorkbookColumn(wording.title(name), "whole" if name in info.index_columns else "text")


def _notes(
    contactable: ContactableList,
    asked: ChurnFilter,
    sort: SortKey,
    names: Sequence[str],
    wording: ExportWords,
) -> list[Row]:
    """What the file holds, who is left out, and what each column means."""
    say, info = wording.words.say, contactable.first.run.info
    inside, left_out = contactable.first.totals.customers, contactable.left_out
    rows: list[Row] = [
        [say(NOTES), "", ""],
        [say(mark("Customers in this file")), inside],
        [say(mark("Left out: refused to be contacted")), left_out.refused],
    ]
    if is_consent_kept(info):
        rows.append([say(mark("Left out: without consent")), left_out.without_consent])
    rows += [
        [say(mark("On the list in all")), inside + left_out.total],
        [say(mark("Erased customers")), say(mark("are in no scores, so in no file"))],
        [say(mark("Filter")), filter_in_words(asked, info, wording.words)],
        [say(mark("Sorted by")), wording.words.sort(sort)],
        [wording.title("as_of"), wording.words.day(info.as_of)],
        [wording.title("horizon_days"), info.horizon_days],
        [wording.title("currency"), info.currency],
        [wording.title("run_id"), info.run_id],
    ]
    if info.stand_ins_text:
        rows.append([wording.title("stand_ins"), info.stand_ins_text])
    rows += [
        [],
        [say(mark("Column")), say(mark("Name in CSV and API")), say(mark("What it means"))],
    ]
    return [*rows, *([wording.title(name), name, wording.meaning(name)] for name in names)]


def filter_in_words(asked: ChurnFilter, info: RunInfo, words: Words) -> str:
    """What a filter lets through, as people read it."""
    parts: list[str] = []

    def add(title: str, values: Sequence[Any], called: Callable[[Any], str] = str) -> None:
        if values:
            parts.append(f"{title}: {words.listed([called(value) for value in values])}")

    add(words.say("Risk"), asked.risk, words.risk)
    add(words.say("Status"), asked.status, words.status)
    add(words.say("Rhythm"), asked.rhythm, words.rhythm)
    add(words.say("Consent"), asked.consent, words.consent)
    for system, value in asked.segments:
        add(
            words.system(system, info),
            [words.value(group, info, system) for group in value.split("|")],
        )
    if asked.min_value_at_risk is not None:
        add(words.say(mark("Value at risk, at least")), [asked.min_value_at_risk])
    add(words.say(mark("Next order from")), [asked.due_from] if asked.due_from else [], words.day)
    add(
        words.say(mark("Next order until")), [asked.due_until] if asked.due_until else [], words.day
    )
    add(words.say("Likely buyers"), [item.partition(":")[2] for item in asked.will_buy])
    if asked.rule is not None:
        parts.append(text_of_rule(asked.rule))
    return "; ".join(parts) or words.say(mark("none: everybody"))
