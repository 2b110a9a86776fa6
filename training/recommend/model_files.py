"""A fitted recommender as files: JSON, Parquet, NumPy arrays and LightGBM's text."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.errors import BundleError
from training.models.estimator import read_json, write_json
from training.past.purchase_history import texts
from training.recommend.facts import ProductFacts
from training.recommend.families import Families
from training.recommend.product_catalogue import ProductCatalogue
from training.recommend.ranker import Ranker
from training.recommend.sources import SOURCES, Arrays
from training.recommend.stages import Stages
from training.recommend.together import Together

FORMAT = 4
MODEL_FILE = "recommendation.json"
PRODUCTS_FILE = "products.parquet"
SEGMENTS_FILE = "segments.npz"
TOGETHER_FILE = "together.parquet"
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
        "product_id": pa.array(catalogue.products, pa.string()),
        "category": pa.array(catalogue.category),
        "popularity": pa.array(catalogue.popularity),
        "orders": pa.array(_padded(together.orders_with, len(catalogue.products))),
        "family": pa.array(catalogue.families.family),
        "is_test": pa.array(catalogue.is_test),
    }
    pq.write_table(pa.table(products), directory / PRODUCTS_FILE)
    pairs = {column: pa.array(getattr(together, attribute)) for column, attribute in PAIRS.items()}
    pq.write_table(pa.table(pairs), directory / TOGETHER_FILE)
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
    if head.get("format") != FORMAT:
        raise BundleError(f"{directory}: not a recommendation model of format {FORMAT}.")
    try:
        products = pq.read_table(directory / PRODUCTS_FILE)
        pairs = pq.read_table(directory / TOGETHER_FILE)
        catalogue = _read_catalogue(head, products, directory)
        together = Together(
            orders=head["orders"],
            orders_with=products["orders"].to_numpy(),
            **{attribute: pairs[column].to_numpy() for column, attribute in PAIRS.items()},
        )
        stages = _read_stages(directory, len(catalogue.products)) if head["two_stages"] else None
    except (
        EOFError,
        IndexError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        pa.ArrowException,
        zipfile.BadZipFile,
    ) as error:
        raise BundleError(f"{directory}: cannot be read ({error}). Train again.") from None
    return head, catalogue, stages, together


def _read_catalogue(head: dict[str, Any], products: pa.Table, directory: Path) -> ProductCatalogue:
    return ProductCatalogue(
        products=texts(products["product_id"].to_pylist()),
        sold=head["sold"],
        category=products["category"].to_numpy(),
        categories=texts(head["categories"]),
        popularity=products["popularity"].to_numpy(),
        segments=texts(head["segments"]),
        segment_popularity=_read_arrays(directory / SEGMENTS_FILE)["popularity"],
        families=Families(products["family"].to_numpy(), head["shared_pairs"]),
        is_test=products["is_test"].to_numpy(zero_copy_only=False),
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
