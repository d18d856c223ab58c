"""What the classes of all collections are made of."""

from typing import Any, ClassVar

from beanie import Document
from pydantic import BaseModel, ConfigDict
from pymongo import ASCENDING, IndexModel


def index(name: str, *fields: str, **options: Any) -> IndexModel:
    """Declare an index of these fields, in this order."""
    return IndexModel([(field, ASCENDING) for field in fields], name=name, **options)


def only_with(*fields: str) -> dict[str, Any]:
    """Limit an index to the documents that have all these fields."""
    return {"partialFilterExpression": {field: {"$exists": True} for field in fields}}


class NestedValue(BaseModel):
    """An object inside a document."""

    item_key: ClassVar[tuple[str, ...]] = ()
    """The fields that identify it in a list; all fields where this is empty."""


class TaggedValue(NestedValue):
    """An object that is one of several kinds. Each class says by a default which one it is."""

    kind: str


class RecordDocument(Document):
    """The fields that the documents of all aggregates have."""

    # Makes beanie load fields that this program does not know.
    model_config = ConfigDict(extra="allow")

    id: str  # type: ignore[assignment]  # beanie declares an ObjectId
    version: int
    schema_version: int
