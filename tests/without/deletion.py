"""What a feature consists of: its files, and the tests that need them."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from entrypoints.composition.features import FEATURES
from tests.support.features_contract import LAYERS, find_owners_of_file

FEATURES_MODULE: Final = "entrypoints/composition/features.py"
_TESTS: Final = ("tests",)
_ESSENTIAL: Final = (
    "tests/conftest.py",
    "tests/walk/conftest.py",
    "tests/walk/test_core.py",
    "tests/without",
)


class CannotDelete(Exception):
    """What should be deleted is not there, or something that has to stay needs it."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What to delete of a tree.

    Attributes:
        features: The names of the features, with those that need them.
        files: Those that belong to them in the four layers.
        tests: The other files that need them, each with the reason.
    """

    features: frozenset[str]
    files: Sequence[str]
    tests: Mapping[str, str]


def find_features(names: Iterable[str]) -> frozenset[str]:
    """Return these features, and those that need them. `all` is each.

    Raises:
        CannotDelete: There is no such feature, or no name.
    """
    known = {feature.name: feature for feature in FEATURES}
    named = set(names)
    unknown = named - {*known, "all"}
    if unknown or not named:
        shown = ", ".join(sorted(unknown)) or "no name"
        raise CannotDelete(f"No feature: {shown}. There are: {', '.join(known)}; all is each.")
    found = set(known) if "all" in named else named
    while needing := {
        name for name, feature in known.items() if found & {*feature.needs} and name not in found
    }:
        found |= needing
    return frozenset(found)


def plan(root: Path, files: Iterable[str], names: frozenset[str]) -> Deletion:
    """Return what to delete of a tree with these files.

    Raises:
        CannotDelete
    """
    files = sorted(files)
    gone = {
        file
        for file in files
        if file.partition("/")[0] in LAYERS and find_owners_of_file(file) & names
    }
    tests = {file for file in files if file.startswith(tuple(f"{it}/" for it in _TESTS))}
    reasons = {
        file: f"a folder named {name}"
        for file in sorted(tests - gone)
        if (name := next((it for it in PurePosixPath(file).parts[:-1] if it in names), ""))
    }
    reasons |= _find_importers(root, tests, gone | reasons.keys())
    for file in reasons:
        if file.startswith(_ESSENTIAL):
            needed = "\n".join(f"  {it}: {reason}" for it, reason in reasons.items())
            raise CannotDelete(f"The proof needs {file}, which would be deleted:\n{needed}")
    return Deletion(names, sorted(gone), reasons)


def _is_below(file: str, folder: str) -> bool:
    """Return whether a file is the other, or lies in it."""
    return file == folder or file.startswith(f"{folder}/")


def _find_importers(root: Path, tests: set[str], gone: set[str]) -> dict[str, str]:
    """Return the tests that import what is gone, directly or not, and those of a lost conftest."""
    imports = {
        file: set(_imported(root / file)) for file in sorted(tests - gone) if file.endswith(".py")
    }
    gone, reasons = set(gone), dict[str, str]()
    modules = _modules(gone)
    while True:
        found: dict[str, str] = {}
        lost_folders = {
            str(PurePosixPath(file).parent) for file in gone if file.endswith("conftest.py")
        }
        for file in imports.keys() - gone:
            if names := sorted(imports[file] & modules):
                found[file] = f"it imports {', '.join(names)}"
            elif any(_is_below(file, folder) for folder in lost_folders):
                found[file] = "its conftest.py is deleted"
        if not found:
            return dict(sorted(reasons.items()))
        reasons |= found
        gone |= found.keys()
        modules |= _modules(found)


def _modules(files: Iterable[str]) -> set[str]:
    """Return the names of modules, with those of their packages if these are gone with them."""
    return {
        file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for file in files
        if file.endswith(".py")
    }


def _imported(file: Path) -> Iterator[str]:
    """Yield what a file may import, also as a name from a package, and what pytest loads."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases):
                yield module
                yield from (f"{module}.{alias.name}" for alias in aliases)
            case ast.Assign(targets=[ast.Name(id="pytest_plugins")], value=ast.List(elts=items)):
                yield from (str(it.value) for it in items if isinstance(it, ast.Constant))


def delete(root: Path, files: Iterable[str], deletion: Deletion) -> None:
    """Delete it from a copy of the tree, with the lines that name it."""
    for file in files:
        if file in deletion.tests or file in deletion.files:
            (root / file).unlink()
    for folder in sorted(root.rglob("*/"), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    module = root / FEATURES_MODULE
    module.write_text(_without_names(module.read_text("utf-8"), deletion.features), "utf-8")


def _without_names(text: str, names: Iterable[str]) -> str:
    """Return the list of features without the lines of some."""
    for name in names:
        line = rf"from entrypoints\.features\.{name}(?:\.feature)? import .*|    {name.upper()},"
        pattern = rf"^(?:{line})\n"
        text, count = re.subn(pattern, "", text, flags=re.MULTILINE)
        if count != 2:
            raise CannotDelete(f"{FEATURES_MODULE} has {count} lines of {name}, and not two.")
    return text
