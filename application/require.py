"""What this program has opened, or an error that names what it has not."""

from typing import TypeVar

T = TypeVar("T")


class UseCasesNotOpen(LookupError):
    """Use cases were asked for that this program has not opened."""


def require(opened: T | None, name: str) -> T:
    """Return what is open.

    Raises:
        UseCasesNotOpen
    """
    if opened is None:
        raise UseCasesNotOpen(f"{name} not open")
    return opened
