"""The kinds of records of this program: those of the core, and those that its features declare.

The names of kinds and indexes are stored: a change makes a new one, and leaves the old one to
the operator.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.databases.records.limits import LIMITS
from adapters.databases.records.record_kind import RecordKind

_KINDS: Final[list[RecordKind[Any]]] = []


def declare_kinds(kinds: Iterable[RecordKind[Any]]) -> None:
    """Declare all kinds. The list of features does it, before a database can be opened."""
    _KINDS[:] = kinds


def all_kinds() -> Sequence[RecordKind[Any]]:
    """Return what a `RecordStore` has to keep."""
    if not _KINDS:
        raise RuntimeError(
            "import entrypoints.composition.features first: it declares the kinds of records"
        )
    return _KINDS


def stored_kinds() -> Sequence[RecordKind[Any]]:
    """Return these, and the limits: all that a database keeps if no other store has the limits."""
    return (*all_kinds(), LIMITS)
