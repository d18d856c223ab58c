"""Differences between the SQL of two databases."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """The words of a database. What is in braces is replaced.

    Attributes:
        text_type: The type of columns of texts, which are in the order of their code points.
        row: The columns of a row that is read: id, version and body. `{order}` is what it is
            ordered by.
        index_hint: What follows a table of which only one index is to be used: `{index}`.
        index_condition: A condition that only this index has, if there are no hints: `{index}`.
        count_columns: The statement that returns how many of the columns that all kinds have a
            table has, by its name.
        estimate_size: The statement that returns about how many rows a table has, by its name;
            None if they are to be counted.
        merge: Returns a body with the fields of a new one, and those of the stored one that do not
            have one of these names. If a further field is named, its stored value is kept while
            there is one.
    """

    place: str
    body_place: str
    text_type: str
    time_type: str
    body_type: str
    row: str
    body_text: str
    index_hint: str = ""
    index_condition: str = ""
    has_schema_version: str
    list_tables: str
    count_columns: str
    estimate_size: str | None = None
    add: str
    delete_found: str
    overwrite: str
    merge: Callable[[Collection[str], str | None], str]
    to_column: Callable[[Any], object]
    to_body: Callable[[str], str] = str
