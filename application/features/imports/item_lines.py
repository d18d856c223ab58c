"""Items of another system's library, and the lines of a file that have them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from application.features.imports.lines import (
    ImportOutcome,
    ImportProblem,
    ImportResult,
    InvalidField,
    InvalidLine,
    Key,
    Line,
    parse_time,
)
from domain.errors import InvalidValue
from domain.features.media.item import parse_category
from domain.identifier import parse_identifier

FIELDS: Final = ("id", "owner", "created_at", "category", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedItem:
    """An item of another system's library.

    Attributes:
        id: The id that the item keeps: 24 hex digits.
        owner: The id or the external id of its owner.
        file: Where its picture is in the folder of the import.
    """

    id: str
    owner: str = field(repr=False)
    file: str
    category: str | None = None
    created_at: datetime | None = None
    category_problem: str = ""

    @property
    def keys(self) -> Sequence[Key]:
        return [_id_key(self.id)]

    @property
    def name_key(self) -> None:
        """None: an item has no name of its own."""

    def to_result(self, outcome: ImportOutcome) -> ImportResult:
        if self.category_problem and outcome is ImportOutcome.CREATED:
            return ImportResult(outcome, ImportProblem.CATEGORY_DROPPED, self.category_problem)
        return ImportResult(outcome)

    def reject(self, problem: ImportProblem, message: str = "") -> ImportResult:
        return ImportResult(ImportOutcome.REJECTED, problem, message)


def parse_item_line(line: Line) -> ImportedItem | InvalidLine:
    """Parse a line with the fields of `FIELDS`, of which some may be missing."""
    fields, item_id = line.fields, None
    try:
        if line.message:
            raise InvalidField(ImportProblem.INVALID_LINE, line.message)
        item_id = parse_identifier(fields.get("id", "").strip())
        if item_id is None:
            raise InvalidField(ImportProblem.INVALID_ID, "The id of an item has 24 hex digits.")
        created_at = parse_time(fields.get("created_at", ""))
    except InvalidField as error:
        result = ImportResult(ImportOutcome.REJECTED, error.problem, error.message)
        return InvalidLine(result, [_id_key(item_id)] if item_id else [])
    category, category_problem = _find_category(fields.get("category", ""))
    return ImportedItem(
        id=item_id,
        owner=fields.get("owner", ""),
        file=fields.get("file", ""),
        category=category,
        created_at=created_at,
        category_problem=category_problem,
    )


def _id_key(item_id: str) -> Key:
    return ImportProblem.REPEATED_ID, item_id


def _find_category(text: str) -> tuple[str | None, str]:
    """Return the category, and why it cannot be kept."""
    if not text:
        return None, ""
    try:
        return parse_category(text), ""
    except InvalidValue as error:
        return None, error.message
