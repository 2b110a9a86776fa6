"""`notebooks/*.ipynb` from the scripts beside them, with outputs: `make notebooks`.

They run one after the other in the folder of a simulated shop, as the tests run the scripts; no
customer of theirs has ever lived. Needs the extra `notebook`.
"""  # noqa: INP001 - a script beside the pages it illustrates

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
ORDER = (
    "explore_features",
    "read_a_backtest",
    "compare_runs",
    "own_model",
    "from_a_csv",
    "first_look",
)
"""The last one lists the models that the others have left."""

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SECONDS = 600


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.support.shop import shop_settings, simulate_orders, write_config
    from tests.support.trained import SECTIONS, SHOP

    os.environ |= {"REGULARS_SMALL": "1", "PYTHONWARNINGS": "ignore"}
    os.environ["PYTHONPATH"] = str(ROOT)
    with TemporaryDirectory() as name:
        folder = Path(name)
        simulate_orders(**SHOP).to_parquet(folder / "orders.parquet")
        simulate_orders(**SHOP).to_csv(folder / "orders.csv", index=False)
        write_config(shop_settings(folder, **SECTIONS))
        for stem in ORDER:
            notebook = of_script(NOTEBOOKS / f"{stem}.py")
            NotebookClient(
                notebook,
                timeout=SECONDS,
                kernel_name=KERNEL["name"],
                resources={"metadata": {"path": str(folder)}},
                record_timing=False,
            ).execute()
            file = NOTEBOOKS / f"{stem}.ipynb"
            nbformat.write(tidy(notebook, folder), file)
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")  # noqa: T201


def of_script(script: Path) -> NotebookNode:
    """The cells of a script, numbered, so that the same script gives the same file."""
    notebook: NotebookNode = jupytext.read(script)
    notebook.metadata = NotebookNode(kernelspec=KERNEL)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", NotebookNode()
    return notebook


def tidy(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """What a reader wants to see: printed words and results, without bars and the folder's name."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = (output for output in cell.outputs if output.get("name") != "stderr")
            cell.outputs = [
                output for output in shown if "<progress" not in str(output.get("data", ""))
            ]
            for output in cell.outputs:
                if "text" in output:
                    output.text = output.text.replace(f"{folder}/", "")
            cell.metadata = NotebookNode()
    notebook.metadata = NotebookNode(kernelspec=KERNEL)
    return notebook


if __name__ == "__main__":
    main()
