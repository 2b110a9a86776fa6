"""A fitted recommender as files: JSON, NumPy arrays and LightGBM's text.

Nothing here needs pandas or pyarrow, without which single customers are scored; only models of
the format before hold Parquet.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.errors import BundleError
from training.models.estimator import read_json, write_json
from training.past.names import Names
from training.recommend.facts import ProductFacts
from training.recommend.families import Families
from training.recommend.product_catalogue import ProductCatalogue
from training.recommend.ranker import Ranker
from training.recommend.sources import SOURCES, Arrays
from training.recommend.stages import Stages
from training.recommend.together import Together

FORMAT = 5
FORMAT_WITH_PARQUET = 4
MODEL_FILE = "recommendation.json"
NAMES_FILE = "product_ids.json"
NAMES = "product_id"
PRODUCTS_FILE = "products.npz"
SEGMENTS_FILE = "segments.npz"
TOGETHER_FILE = "together.npz"
STAGES_FILE = "stages.npz"
TREES_FILE = "trees.txt"
PAIRS = {"first": "first", "second": "second", "both": "orders_both"}
"""Column of the stored pairs → attribute of `Together`."""


def write_model(
    directory: Path,
    head: dict[str, Any],
    catalogue: ProductCatalogue,
    stages: Stages | None,
    together: Together,
) -> None:
    """Write everything into `directory`; the same model writes the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    products = {
        "category": catalogue.category,
        "popularity": catalogue.popularity,
        "orders": _padded(together.orders_with, len(catalogue.products)),
        "family": catalogue.families.family,
        "is_test": catalogue.is_test,
    }
    write_json(directory / NAMES_FILE, {NAMES: [*catalogue.products]})
    _write_arrays(directory / PRODUCTS_FILE, products)
    pairs = {column: getattr(together, attribute) for column, attribute in PAIRS.items()}
    _write_arrays(directory / TOGETHER_FILE, pairs)
    _write_arrays(directory / SEGMENTS_FILE, {"popularity": catalogue.segment_popularity})
    if stages is not None:
        _write_arrays(directory / STAGES_FILE, _stage_arrays(stages))
        stages.ranker.save(directory / TREES_FILE)
    contents = {
        "format": FORMAT,
        "sold": catalogue.sold,
        "orders": together.orders,
        "categories": list(catalogue.categories),
        "segments": list(catalogue.segments),
        "shared_pairs": catalogue.families.shared_pairs,
        "two_stages": stages is not None,
    }
    write_json(directory / MODEL_FILE, head | contents)


def read_model(directory: Path) -> tuple[dict[str, Any], ProductCatalogue, Stages | None, Together]:
    """Read what `write_model` wrote.

    Raises
    ------
    BundleError
        A file is missing, damaged, or of another version of the format.
    """
    head = read_json(directory / MODEL_FILE)
    if head.get("format") not in {FORMAT, FORMAT_WITH_PARQUET}:
        raise BundleError(f"{directory}: not a recommendation model of format {FORMAT}.")
    read = _read_tables if head["format"] == FORMAT else _read_parquet
    try:
        names, products, pairs = read(directory)
        catalogue = _read_catalogue(head, names, products, directory)
        together = Together(
            orders=head["orders"],
            orders_with=products["orders"],
            **{attribute: pairs[column] for column, attribute in PAIRS.items()},
        )
        stages = _read_stages(directory, len(catalogue.products)) if head["two_stages"] else None
    except (
        EOFError,
        IndexError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise BundleError(f"{directory}: cannot be read ({error}). Train again.") from None
    return head, catalogue, stages, together


def _read_tables(directory: Path) -> tuple[list[str], Arrays, Arrays]:
    """The ids of the products, the columns of their table, and those of the pairs."""
    # a scorer knows the products of its run by the same texts
    names = [intern(name) for name in read_json(directory / NAMES_FILE)[NAMES]]
    products = _read_arrays(directory / PRODUCTS_FILE)
    if any(len(column) != len(names) for column in products.values()):
        raise ValueError("columns of different lengths")
    return names, products, _read_arrays(directory / TOGETHER_FILE)


def _read_parquet(directory: Path) -> tuple[list[str], Arrays, Arrays]:
    """The same of the format before."""
    try:
        products, pairs = (
            pq.read_table(directory / f"{name}.parquet") for name in ("products", "together")
        )
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    names = products[NAMES].to_pylist()
    return names, _arrays_of(products.drop_columns(NAMES)), _arrays_of(pairs)


def _arrays_of(table: pa.Table) -> Arrays:
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: column.to_numpy() for name, column in columns}


def _read_catalogue(
    head: dict[str, Any], names: list[str], products: Arrays, directory: Path
) -> ProductCatalogue:
    return ProductCatalogue(
        products=Names(names),
        sold=head["sold"],
        category=products["category"],
        categories=Names(head["categories"]),
        popularity=products["popularity"],
        segments=Names(head["segments"]),
        segment_popularity=_read_arrays(directory / SEGMENTS_FILE)["popularity"],
        families=Families(products["family"], head["shared_pairs"]),
        is_test=products["is_test"],
    )


def _stage_arrays(stages: Stages) -> Arrays:
    arrays: Arrays = {"products": stages.products, "steps_back": stages.steps_back}
    for source in stages.sources:
        arrays |= {f"{source.name}.{key}": value for key, value in source.arrays().items()}
    return arrays | {f"facts.{key}": value for key, value in stages.facts.arrays().items()}


def _read_stages(directory: Path, width: int) -> Stages:
    arrays = _read_arrays(directory / STAGES_FILE)
    products = arrays["products"]
    if len(products) and not (products[0] >= 0 and products[-1] < width):
        raise ValueError("products that the catalogue does not have")
    sources = tuple(source.restored(_part(arrays, source.name)) for source in SOURCES)
    facts = ProductFacts.restored(_part(arrays, "facts"))
    ranker = Ranker.load(directory / TREES_FILE)
    return Stages(products, sources, facts, ranker, arrays["steps_back"])


def _part(arrays: Arrays, name: str) -> Arrays:
    start = f"{name}."
    return {
        key.removeprefix(start): value for key, value in arrays.items() if key.startswith(start)
    }


def _write_arrays(path: Path, arrays: Arrays) -> None:
    # np.savez stamps the entries with a fixed date, so equal arrays are equal files
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read_arrays(path: Path) -> Arrays:
    # opened here: NumPy leaves a damaged file open
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _padded(counts: np.ndarray[Any, Any], width: int) -> np.ndarray[Any, Any]:
    return np.append(counts, np.zeros(width - len(counts), dtype=counts.dtype))
