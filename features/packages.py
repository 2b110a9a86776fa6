"""What is installed for Regulars: versions and licences, and a bill of materials (SBOM).

    python -m features.packages                    # a table: package, version, licence
    python -m features.packages --sbom sbom.json   # CycloneDX 1.6

It lists what Regulars and its extras ask for, directly or not, as far as it is installed in the
environment that runs this. The same environment gives the same file.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import click

ROOT = "regulars"
NOT_STATED = "not stated"
_LONGEST_NAME = 60
"""Of a licence; what is longer is its text."""


@dataclass(frozen=True)
class InstalledPackage:
    """A package of the environment.

    Attributes
    ----------
    expression : its licence by SPDX, None where it is stated otherwise
    licences : what it says of its licence in other words
    needs : names of the packages that it asks for and that are installed
    """

    name: str
    version: str
    expression: str | None
    licences: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def licence(self) -> str:
        """In one line, for people."""
        return self.expression or ", ".join(self.licences) or NOT_STATED

    @property
    def address(self) -> str:
        """Its package URL, by which lists of weaknesses name it."""
        return f"pkg:pypi/{self.name}@{self.version}"

    def component(self) -> dict[str, Any]:
        """Its entry in a CycloneDX document."""
        if self.expression is not None:
            licences: list[dict[str, Any]] = [{"expression": self.expression}]
        else:
            licences = [{"license": {"name": name}} for name in self.licences]
        return {
            "type": "application" if self.name == ROOT else "library",
            "bom-ref": self.address,
            "name": self.name,
            "version": self.version,
            **({"licenses": licences} if licences else {}),
            "purl": self.address,
        }


def installed_packages() -> list[InstalledPackage]:
    """Regulars and everything that it asks for, directly or not, by name; Regulars first.

    Raises
    ------
    PackageNotFoundError
        When Regulars itself is not installed.
    """
    packages: dict[str, InstalledPackage] = {}
    names = [ROOT]
    distribution(ROOT)
    while names:
        name = names.pop()
        if name not in packages and (installed := _installed(name)) is not None:
            packages[name] = _package(name, installed)
            names += packages[name].needs
    root = packages.pop(ROOT)
    return [root, *(packages[name] for name in sorted(packages))]


def bill_of_materials(packages: list[InstalledPackage]) -> dict[str, Any]:
    """A CycloneDX 1.6 document of `packages`, Regulars first."""
    addresses = {package.name: package.address for package in packages}
    root, *others = packages
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root.component()},
        "components": [package.component() for package in others],
        "dependencies": [
            {"ref": package.address, "dependsOn": [addresses[name] for name in package.needs]}
            for package in packages
        ],
    }


def _package(name: str, installed: Distribution) -> InstalledPackage:
    needs = {
        _plain(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0])
        for text in installed.requires or ()
    }
    return InstalledPackage(
        name=name,
        version=installed.version,
        expression=_stated(installed, "License-Expression"),
        licences=tuple(_licences(installed)),
        needs=tuple(sorted(need for need in needs - {name} if _installed(need) is not None)),
    )


def _stated(installed: Distribution, field: str) -> str | None:
    """A field of a package's description, None where it is not there."""
    values = installed.metadata.get_all(field) or [""]
    return values[0].strip() or None


def _licences(installed: Distribution) -> Iterator[str]:
    stated = _stated(installed, "License")
    if stated and "\n" not in stated and len(stated) <= _LONGEST_NAME:
        yield stated
        return
    for classifier in installed.metadata.get_all("Classifier") or ():
        if classifier.startswith("License ::"):
            yield classifier.rpartition(" :: ")[2]


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _plain(name: str) -> str:
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@click.command()
@click.option(
    "--sbom",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a bill of materials (CycloneDX JSON) here instead.",
)
def main(sbom: Path | None) -> None:
    """Versions and licences of what is installed for Regulars."""
    packages = installed_packages()
    if sbom is not None:
        text = json.dumps(bill_of_materials(packages), indent=1)
        sbom.write_text(f"{text}\n", encoding="utf-8")
        click.echo(f"Wrote {len(packages)} packages to {sbom}")
        return
    for package in packages:
        click.echo(f"{package.name:28} {package.version:14} {package.licence}")


if __name__ == "__main__":
    main()
