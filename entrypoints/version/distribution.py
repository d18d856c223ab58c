"""The installed distribution: its version, and the import names that must be its own."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from importlib.util import find_spec
from os.path import realpath
from pathlib import Path
from typing import Final

from entrypoints.opening.startup_error import StartupError
from entrypoints.version.commit import find_commit

DISTRIBUTION: Final = "dialtone-server"
"""Its name for pip. `dialtone` on PyPI is another project."""

_IMPORT_NAMES: Final = ("adapters", "application", "domain", "entrypoints")
_OWN_VENV: Final = "Install Dialtone into a venv of its own (docs/deployment.md)."
_INSTALLED_FILES: Final = re.compile(rf"^({'|'.join(_IMPORT_NAMES)})[/.]", re.MULTILINE)


def installed_version() -> str:
    """Return the version. `pyproject.toml` is the only place that has it.

    Raises:
        StartupError: it is not installed; the code alone has no version.
    """
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        raise StartupError(
            f"{DISTRIBUTION} is not installed for this Python: run `make install` in a clone, or "
            "install the wheel (docs/deployment.md)."
        ) from None


def describe_version() -> str:
    """Return version and commit, as `dialtone --version` shows them.

    Raises:
        StartupError: see `installed_version`.
    """
    return f"{installed_version()} (commit {find_commit()})"


def check_import_names() -> None:
    """Check that the import names lead to this code, and that no other distribution has one.

    The names are common words. pip lets the files of a later distribution replace those of an
    earlier one without a word, and removes them with either, so both orders are an error. The names
    are compared, not the files: a comparison of contents would miss what was replaced before, and
    take longer.

    It cannot help if the module of the command itself is replaced, or the import of `entrypoints`
    fails: then nothing of this code runs.

    Raises:
        StartupError: with the other one, and what to do.
    """
    for other in distributions():
        if (names := _find_names(other)) and _normalize(other.name) != DISTRIBUTION:
            raise StartupError(
                f"The package {other.name} {other.version} has the import name "
                f"{', '.join(sorted(names))}, which is Dialtone's. {_OWN_VENV}"
            )
    root = realpath(Path(__file__).parents[2])
    for name in _IMPORT_NAMES:
        spec = find_spec(name)
        found = spec and spec.origin
        if not found:
            raise StartupError(
                f"{root}/{name} is incomplete: its files were removed, perhaps with those of "
                f"another package that has the same name. {_OWN_VENV}"
            )
        if realpath(found) != f"{root}/{name}/__init__.py":
            raise StartupError(
                f"Python finds {name} in {found}, and Dialtone's is in {root}. Start in another "
                f"folder and without PYTHONPATH, or rename the other one. {_OWN_VENV}"
            )


def _find_names(distribution: Distribution) -> set[str]:
    """Return which of the import names a distribution has."""
    # Not all build tools write this file. It is much shorter than the list of all files.
    names = distribution.read_text("top_level.txt")
    if names is not None:
        return {*_IMPORT_NAMES} & {*names.split()}
    return {*_INSTALLED_FILES.findall(distribution.read_text("RECORD") or "")}


def _normalize(name: str | None) -> str:
    return re.sub(r"[-_.]+", "-", name or "").lower()
