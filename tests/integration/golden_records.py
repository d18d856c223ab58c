"""The stored form of each record in both databases, and the golden files of earlier versions."""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from bson import json_util

from adapters.mongo.mapping import Mappings
from application.ports.versioned import Versioned
from tests.support.fakes.database import MAPPINGS
from tests.support.fakes.phone_encryption import FakePhoneEncryption

GOLDEN: Final = Path(__file__).with_name("golden")

Fields = dict[str, Any]
GoldenRecords = Mapping[tuple[str, str], tuple[int, Fields]]
"""Schema version and fields of each record, by its table and its key."""


class StoredForm(ABC):
    """How one database stores records.

    Attributes:
        generations: The golden files, the earliest first.
        schema_versions: The current schema version of each table.
    """

    generations: tuple[str, ...]
    schema_versions: Mapping[str, int]

    @abstractmethod
    def read(self, generation: str) -> GoldenRecords:
        """Return the records in a golden file."""

    @abstractmethod
    def decode(
        self, table: str, fields: Fields, schema_version: int | None = None
    ) -> Versioned[Any]:
        """Return the value of stored fields. A document has its schema version inside."""

    @abstractmethod
    def encode(self, table: str, value: Any, version: int = 0) -> Fields:
        """Return the stored fields of a value. The version carries what was loaded before."""

    def read_full(self) -> Mapping[str, list[Fields]]:
        """Return the golden form of the full records."""
        records: Mapping[str, list[Fields]] = self.parse(
            (GOLDEN / f"{self}_full_records.json").read_text("utf-8")
        )
        return records

    def parse(self, text: str) -> Any:
        """Parse a golden file in JSON."""
        return json.loads(text)

    def __str__(self) -> str:
        return type(self).__name__.removesuffix("Form").lower()


class SqliteForm(StoredForm):
    generations = (
        "sqlite_schema_1",
        "sqlite_schema_2",
        "sqlite_records_3",
        "sqlite_schema_3",
        "sqlite_schema_4",
        "sqlite_schema_5",
    )

    def __init__(self) -> None:
        self.schema_versions = {name: mapping.schema_version for name, mapping in MAPPINGS.items()}

    def read(self, generation: str) -> GoldenRecords:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript((GOLDEN / f"{generation}.sql").read_text("utf-8"))
            connection.row_factory = sqlite3.Row
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                (table, row[0]): (row["schema_version"], json.loads(row["body"]))
                for table in {name for (name,) in tables} & MAPPINGS.keys()
                for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            }

    def decode(
        self, table: str, fields: Fields, schema_version: int | None = None
    ) -> Versioned[Any]:
        mapping = MAPPINGS[table]
        schema_version = schema_version or mapping.schema_version
        decoded: Versioned[Any] = mapping.decode(1, schema_version, json.dumps(fields))
        return decoded

    def encode(self, table: str, value: Any, version: int = 0) -> Fields:
        mapping = MAPPINGS[table]
        fields: Fields = json.loads(mapping.encode(mapping.to_stored(value), version))
        return fields


class MongoForm(StoredForm):
    generations = ("mongo_schema_1", "mongo_schema_2", "mongo_records_3", "mongo_records_4")

    def __init__(self) -> None:
        mappings = Mappings.of(FakePhoneEncryption())
        self._mappings: Mapping[str, Any] = {
            name: getattr(mappings, name) for name in Mappings.__slots__
        }
        self.schema_versions = {
            table: mapping.schema_version for table, mapping in self._mappings.items()
        }

    def read(self, generation: str) -> GoldenRecords:
        collections = self.parse((GOLDEN / f"{generation}.json").read_text("utf-8"))
        return {
            (table, document["_id"]): (document["schema_version"], document)
            for table in collections.keys() & self._mappings.keys()
            for document in collections[table]
        }

    def parse(self, text: str) -> Any:
        options = json_util.JSONOptions(tz_aware=True)
        return json_util.loads(text, json_options=options)

    def decode(
        self, table: str, fields: Fields, schema_version: int | None = None
    ) -> Versioned[Any]:
        decoded: Versioned[Any] = self._mappings[table].decode(
            {"_id": "an id", "version": 1, **fields}
        )
        return decoded

    def encode(self, table: str, value: Any, version: int = 0) -> Fields:
        document: Fields = self._mappings[table].encode_successor(value, version)
        del document["version"]
        return document
