"""The installed distribution and its version."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from entrypoints.opening.startup_error import StartupError
from entrypoints.version.commit import find_commit

DISTRIBUTION: Final = "dialtone-server"
"""Its name for pip. `dialtone` on PyPI is another project."""


def installed_version() -> str:
    """Return the version. `pyproject.toml` is the only place that has it.

    Raises:
        StartupError: it is not installed; the code alone has no version.
    """
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        raise StartupError(
            f"{DISTRIBUTION} is not installed for this Python: run `make install` "
            "(docs/deployment.md)."
        ) from None


def describe_version() -> str:
    """Return version and commit, as `dialtone --version` shows them."""
    return f"{installed_version()} (commit {find_commit()})"
