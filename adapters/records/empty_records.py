"""The records of a database that does not exist yet, for a dry run."""

from collections.abc import Mapping, Sequence
from typing import Any

from application.ports.errors import StorageUnavailable


class EmptyRecords:
    """A `RecordStore` without records, which accepts no writes."""

    async def load(self, *_arguments: Any) -> Mapping[str, Any]:
        return {}

    async def scan(self, *_arguments: Any, **_options: Any) -> Sequence[Any]:
        return ()

    async def find(self, *_arguments: Any, **_options: Any) -> Sequence[Any]:
        return ()

    async def count(self, *_arguments: Any, **_options: Any) -> int:
        return 0

    async def _reject(self, *_arguments: Any, **_options: Any) -> Any:
        raise StorageUnavailable("a dry run writes nothing")

    add = replace = delete = delete_expired = overwrite = move = _reject
