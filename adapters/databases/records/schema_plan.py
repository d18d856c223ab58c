"""What a start creates or changes in a database, and in which words a command shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adapters.databases.records.record_kind import Index, RecordKind

DUPLICATES: Final = (
    "{location}: the unique index {name} cannot be built, because {count} values of {table} occur "
    "in more than one record. Find them with `{query}`, correct these records, and start again."
)
"""The error names no value."""
HAS_DUPLICATES: Final = (
    "{location} has records that must not have the same value of the index {name}: start `dialtone "
    "migrate`, which says how many, and how to find them."
)
"""The error of a start, which does not look for them."""
_REJECTED_INDEX: Final = (
    "{location} refuses the {index} ({cause}): Dialtone needs a server with {needs}. Use another "
    "server or database of docs/settings.md{sharding}."
)
_SHARDING: Final = "; a collection with a unique index is not sharded"


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """A table, a collection, a column or an index.

    Attributes:
        sort: `table`, `collection`, `column`, `index`, or another word of the database.
        table: The table or collection that it belongs to; empty if it is one itself.
    """

    sort: str
    name: str
    table: str = ""
    fields: tuple[str, ...] = ()
    is_unique: bool = False

    @classmethod
    def of_index(cls, kind: RecordKind[Any], index: Index, fields: Sequence[str]) -> "SchemaObject":
        """Return a declared index. The database decides about the order of its fields."""
        return cls("index", index.name, kind.name, tuple(fields), index.is_unique)

    def __str__(self) -> str:
        unique = "unique " if self.is_unique else ""
        table = f" of {self.table}" if self.table else ""
        fields = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{unique}{self.sort} {self.name}{table}{fields}"


def describe_rejected_index(
    location: str, index: SchemaObject, cause: str, *, is_partial: bool = True
) -> str:
    """Return the error of an index that the server refuses, with what the server lacks."""
    needs = [
        *(["unique indexes"] if index.is_unique else []),
        *(["partial indexes"] if is_partial else []),
        *(["indexes of several fields"] if len(index.fields) > 1 else []),
    ]
    return _REJECTED_INDEX.format(
        location=location,
        index=index,
        cause=cause,
        needs=" and ".join(needs) or "indexes",
        sharding=_SHARDING if index.is_unique else "",
    )


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """What a start would change in a database.

    Attributes:
        is_new: Whether the database is empty, and its metadata are written too.
        undeclared: What the database has besides, and this program does not use. It stays.
    """

    is_new: bool
    missing: Sequence[SchemaObject]
    dropped: Sequence[SchemaObject] = ()
    undeclared: Sequence[SchemaObject] = ()


class ReportBuild(Protocol):
    """Reports each object that is created, before and meanwhile."""

    def __call__(
        self,
        created: SchemaObject,
        done: int = 0,
        total: int | None = None,
        /,
        *,
        is_waiting: bool = False,
    ) -> None:
        """Report how many rows or blocks of an index are done, or transactions waited for."""
        ...
