"""A database in memory that tests look into, and make fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from adapters.databases.records.database import Database
from adapters.databases.records.kinds import AUDIT_ENTRIES, DELIVERY_REPORTS, PHONE_VERIFICATIONS
from adapters.databases.records.limits import LIMITS
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.record_kind import Record, RecordKind
from adapters.databases.records.record_store import StoredRecord
from adapters.databases.records.repositories import IdentityMapping, make_repositories
from application.ports.errors import StorageTimeout, StorageUnavailable
from application.ports.limits import LimitStore
from application.ports.repositories import Repositories
from application.ports.versioned import Versioned
from domain.administration.audit import AuditEntry
from domain.identities.identity import Identity
from domain.otp.delivery import DeliveryReport
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber
from tests.contract.examples.memory_database import InMemoryLimits, InMemoryRecords, read_row
from tests.support.fakes.phone_encryption import FakePhoneEncryption
from tests.support.fault_injector import FaultInjector, name_operation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
R = TypeVar("R", bound=Record)
P = TypeVar("P", bound="DataclassInstance")


class _Records(InMemoryRecords):
    """Records that find out who makes a call for nothing."""

    async def load(
        self, kind: RecordKind[R], record_ids: Collection[str], /
    ) -> Mapping[str, StoredRecord[R]]:
        assert record_ids, "an empty batch is not a call"
        return await super().load(kind, record_ids)


class _ReadableIndex(FakePhoneEncryption):
    """Finds verifications by the phone itself, so that tests see whose they are."""

    def blind_index(self, phone: PhoneNumber) -> str:
        return phone.e164


class InMemoryDatabase:
    """A database. Its properties are copies of what is stored.

    While `is_unavailable`, every call raises StorageUnavailable.
    """

    def __init__(self) -> None:
        self.faults = FaultInjector()
        self.is_unavailable = False
        self.encryption = _ReadableIndex()
        self.records = _Records(self.check)
        self.limits = InMemoryLimits(self.check)

    @property
    def phone_verifications(self) -> dict[PhoneNumber, Versioned[PhoneVerification]]:
        loaded = self.load_all(RecordMapping(PHONE_VERIFICATIONS, PhoneVerification))
        return {PhoneNumber(number): verification for number, verification in loaded.items()}

    @property
    def identities(self) -> dict[str, Versioned[Identity]]:
        return self.load_all(IdentityMapping(self.encryption))

    @property
    def delivery_reports(self) -> dict[str, Versioned[DeliveryReport]]:
        return self.load_all(RecordMapping(DELIVERY_REPORTS, DeliveryReport))

    @property
    def audit_entries(self) -> list[AuditEntry]:
        """All audit entries, in the order in which they were written."""
        stored = self.load_all(RecordMapping(AUDIT_ENTRIES, AuditEntry))
        return [entry.value for entry in stored.values()]

    @property
    def permits(self) -> Counter[str]:
        """The number of permits by the record id and the name of their limit."""
        counts: Counter[str] = Counter()
        for record_id, stored in self.limits.stored.items():
            for name, window in LIMITS.convert(stored).windows.items():
                counts[f"{record_id}:{name}"] = window.total
        return +counts

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[Database]:
        """Yield the stores, as adapters do when they are opened."""
        yield self.stores

    @property
    def stores(self) -> Database:
        """Its stores, of which a feature makes its repositories."""
        return Database(self.records, self.limits, self)

    def repositories(self) -> Repositories:
        """Return all repositories over this database. Their calls may be made to fail."""
        return self.fallible(make_repositories(self.stores, self.encryption))

    def limit_store(self) -> LimitStore:
        """Return its limits. Their calls may be made to fail."""
        port: LimitStore = _Port(self, "limit_store", self.limits)
        return port

    def fallible(self, repositories: P) -> P:
        """Return a dataclass of repositories, such as those of a feature, whose calls may fail.

        The fault injector knows each by the name of its kind, or of the field if it has none.
        """
        ports: dict[str, Any] = {}
        for field in fields(repositories):
            ports[field.name] = self.fallible_port(getattr(repositories, field.name), field.name)
        return type(repositories)(**ports)

    def fallible_port(self, repository: Any, name: str = "") -> Any:
        """Return one repository, whose calls may fail."""
        kind = getattr(repository, "kind", None)
        return _Port(self, kind.name if kind else name, repository)

    async def check(self) -> None:
        """Let other tasks run, so that races are real.

        Raises:
            StorageUnavailable
        """
        await asyncio.sleep(0)
        if self.is_unavailable:
            raise StorageUnavailable("unavailable")

    def load_all(self, mapping: RecordMapping[T, Any], *ids: str) -> dict[str, Versioned[T]]:
        """Return all values of a kind by their ids, or these: a copy of what is stored."""
        stored = self.records.tables[mapping.kind.name]
        rows = {one: stored[one] for one in ids or stored}
        records = {one: read_row(mapping.kind, one, row).record for one, row in rows.items()}
        return {
            one: Versioned(mapping.to_value(record), rows[one].version)
            for one, record in records.items()
        }


@dataclass(frozen=True)
class _Port:
    """The operations of a repository, named for the fault injector."""

    database: InMemoryDatabase
    name: str
    repository: object

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: object, **options: object) -> object:
            if self.name == "limit_store" and method != "delete_expired":
                limits: Any = arguments[0]
                assert len({*limits}) == len(limits) > 0, "a call names no limit, or one twice"
            operation = name_operation(self.name, self.repository, method, arguments)
            is_lost = await self.database.faults.on_call(operation, StorageUnavailable)
            result = await getattr(self.repository, method)(*arguments, **options)
            if is_lost:
                raise StorageTimeout(f"no response of {operation}")
            return result

        return call
