"""Fields whose columns need no search: named by the person, or known of the system."""

from collections.abc import Mapping

from features.errors import ConfigError
from features.proposal.columns import Column
from features.proposal.draft import Draft
from features.proposal.systems.layout import Layout, layout_of_header, layouts_of_system

_MOSTLY = 0.9
_LISTS = ("customer_id",)
"""Fields that may be read from several columns: the first that is filled."""


def recognised(header: list[str], system: str | None) -> Layout | None:
    """The layout of a file with such a header, by what the person says of the system if anything.

    Raises
    ------
    ConfigError
        When no system of that name is known.
    """
    if system is None:
        return layout_of_header(header)
    if system == "none":
        return None
    of_system = layouts_of_system(system)
    if not of_system:
        raise ConfigError(
            f"--system {system}: no system of that name is known. Leave it out, or say 'none'."
        )
    return max(of_system, key=lambda layout: (layout.fit(header), _columns_there(layout, header)))


def _columns_there(layout: Layout, header: list[str]) -> int:
    present = {name.casefold() for name in header}
    return sum(
        any(name.casefold() in present for name in names) for names in layout.columns.values()
    )


def take_asked(draft: Draft, named_columns: Mapping[str, str]) -> None:
    """Read fields from the columns that the person named.

    Raises
    ------
    ConfigError
        When the file has no such column.
    """
    for field, name in named_columns.items():
        column = draft.named(name)
        if column is None:
            raise ConfigError(
                f"{draft.log.name}: no column {name!r} that holds anything "
                f"(have: {', '.join(draft.log.columns)})."
            )
        draft.take(field, column, "as you said")


def take_known(draft: Draft) -> None:
    """Read fields from the columns that the layout of the system names."""
    layout = draft.layout
    if layout is None:
        return
    draft.note(layout.introduction)
    for sentence in layout.notes:
        draft.note(sentence)
    for field, names in layout.columns.items():
        if field in draft.mapped or _is_left_open(draft, field):
            continue
        columns = [column for name in names if (column := draft.named(name)) is not None]
        for column in _filling(field, columns):
            draft.take(field, column)
    if draft.mapped.get("product_name") == draft.mapped.get("product_id"):
        draft.drop("product_name")
    draft.discount, draft.tax, draft.shipping = layout.discount, layout.tax, layout.shipping


def _is_left_open(draft: Draft, field: str) -> bool:
    layout = draft.layout
    return layout is not None and any(
        draft.named(name) is not None for name in layout.unless.get(field, ())
    )


def _filling(field: str, columns: list[Column]) -> list[Column]:
    """Of the columns that can be it: the first that is filled, and of customers what fills it up."""
    if not columns:
        return []
    if field in _LISTS:
        chosen: list[Column] = []
        blank = columns[0].codes < 0
        for column in columns:
            if not chosen or (blank & (column.codes >= 0)).any():
                chosen.append(column)
                blank &= column.codes < 0
        return chosen
    return [
        next(
            (column for column in columns if column.missing_share <= 1 - _MOSTLY),
            min(columns, key=lambda column: column.missing_share),
        )
    ]
