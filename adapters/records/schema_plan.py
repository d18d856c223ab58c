"""What a start creates or changes in a database, and in which words a command shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adapters.records.record_kind import Index, RecordKind

DUPLICATES: Final = (
    "{location}: the unique index {name} cannot be built, because {count} values of {table} occur "
    "in more than one record. Find them with `{query}`, correct these records, and start again."
)
"""The error names no value."""


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """A table, a collection, a column or an index.

    Attributes:
        sort: `table`, `collection`, `column`, `index`, or another word of the database.
        name: Its name.
        table: The table or collection that it belongs to; empty if it is one itself.
        fields: The fields of an index, in their order.
        is_unique: Whether an index is unique.
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


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """What a start would change in a database.

    Attributes:
        is_new: Whether the database is empty, and its metadata are written too.
        missing: What is created, in this order.
        dropped: What is dropped.
        undeclared: What the database has besides, and this program does not use. It stays.
    """

    is_new: bool
    missing: Sequence[SchemaObject]
    dropped: Sequence[SchemaObject] = ()
    undeclared: Sequence[SchemaObject] = ()


class ReportBuild(Protocol):
    """Is told of each object that is created, before and meanwhile."""

    def __call__(
        self,
        created: SchemaObject,
        done: int = 0,
        total: int | None = None,
        /,
        *,
        is_waiting: bool = False,
    ) -> None:
        """Report that so many rows or blocks of an index are done, or transactions waited for."""
        ...
