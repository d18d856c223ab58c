"""The installed distribution: its version, and the import names that must be its own."""

import re
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from entrypoints.opening.startup_error import StartupError
from entrypoints.version.commit import find_commit

DISTRIBUTION: Final = "dialtone-server"
"""Its name for pip. `dialtone` on PyPI is another project."""

_IMPORT_NAMES: Final = ("adapters", "application", "domain", "entrypoints", "pytest_dialtone")
_NAMES_IN_LIST: Final = re.compile(rf"^({'|'.join(_IMPORT_NAMES)})(?:[/.]|$)", re.MULTILINE)
_OWN_VENV: Final = "Install Dialtone into a venv of its own (docs/deployment.md)."


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
    """Check that no other distribution has an import name of this code, and none hides it.

    The names are common words. pip lets the files of a later distribution replace those of an
    earlier one without a word, and removes them with either, so both orders are an error.

    It cannot help if the module of the command itself is replaced, or the import of `entrypoints`
    fails: then nothing of this code runs.

    Raises:
        StartupError: with the other one, and what to do.
    """
    for other in distributions():
        # Not all build tools write the list of names, which is shorter than that of files.
        listed = other.read_text("top_level.txt") or other.read_text("RECORD") or ""
        if (names := {*_NAMES_IN_LIST.findall(listed)}) and other.name != DISTRIBUTION:
            raise StartupError(
                f"The package {other.name} {other.version} has the import name "
                f"{', '.join(sorted(names))}, which is Dialtone's. {_OWN_VENV}"
            )
    root = Path(__file__).resolve().parents[2]
    for name in _IMPORT_NAMES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found != root / name / "__init__.py":
            raise StartupError(
                f"Python finds {name} in {found or 'no file'}, and Dialtone's is in {root}. "
                "Start in another folder and without PYTHONPATH, or rename the other one. "
                f"{_OWN_VENV}"
            )
