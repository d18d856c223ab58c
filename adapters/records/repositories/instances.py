"""The repository of the processes of the service."""

from adapters.records.instances import InstanceRecord
from adapters.records.record_kind import EXPIRES_AT
from adapters.records.record_repository import RecordRepository
from domain.instance import Instance


class StoredInstances(RecordRepository[Instance, InstanceRecord]):
    """The processes of the service."""

    async def find_latest(self) -> Instance | None:
        index = self.kind.find_index(EXPIRES_AT)
        found = await self.store.find(self.kind, index, newest_first=True, limit=1)
        return self.read(found[0]).value if found else None
