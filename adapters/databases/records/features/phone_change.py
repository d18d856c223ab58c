"""The records of numbers that were assigned by changes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from adapters.databases.records.database import Database
from adapters.databases.records.mapping import RecordMapping
from adapters.databases.records.phone_encryption import PhoneEncryption
from adapters.databases.records.record_kind import (
    EXPIRES_AT,
    Index,
    Record,
    RecordKind,
    index_by_time,
)
from adapters.databases.records.record_repository import RecordRepository
from application.features.phone_change.ports import PhoneChangeRepositories
from application.ports.versioned import Versioned
from domain.features.phone_change.phone_assignment import PhoneAssignment, PhoneAssignments


class PhoneAssignmentRecord(msgspec.Struct, gc=False):
    """An assignment, with both numbers encrypted."""

    assigned_at: datetime
    encrypted_phone: bytes = b""
    encrypted_former_phone: bytes = b""
    kept_session_id: str | None = None


class PhoneAssignmentsRecord(Record, kw_only=True):
    """The assignments of an identity, by its id."""

    id: str
    expires_at: datetime
    assignments: tuple[PhoneAssignmentRecord, ...] = ()
    notice_due_at: datetime | None = None
    locale: str | None = None

    @property
    def encrypted_phones(self) -> list[bytes]:
        """Both numbers of all assignments."""
        return [
            phone
            for each in self.assignments
            for phone in (each.encrypted_phone, each.encrypted_former_phone)
        ]

    def map_phones(self, change: Callable[[bytes], bytes]) -> "PhoneAssignmentsRecord":
        return msgspec.structs.replace(
            self,
            assignments=tuple(
                msgspec.structs.replace(
                    each,
                    encrypted_phone=change(each.encrypted_phone),
                    encrypted_former_phone=change(each.encrypted_former_phone),
                )
                for each in self.assignments
            ),
        )


class PhoneAssignmentsMapping(RecordMapping[PhoneAssignments, PhoneAssignmentsRecord]):
    """The mapping of assignments, which encrypts their numbers."""

    def __init__(
        self, kind: RecordKind[PhoneAssignmentsRecord], encryption: PhoneEncryption
    ) -> None:
        """Take the kind, and the encryption of the numbers."""
        super().__init__(kind, PhoneAssignments)
        self._encryption = encryption

    def to_record(self, value: PhoneAssignments) -> PhoneAssignmentsRecord:
        """Return the record of the assignments of an identity."""
        record = super().to_record(value)
        for stored, assignment in zip(record.assignments, value.assignments, strict=True):
            stored.encrypted_phone = self._encryption.encrypt(assignment.phone, value.id)
            stored.encrypted_former_phone = self._encryption.encrypt(
                assignment.former_phone, value.id
            )
        return record

    def to_value(self, record: PhoneAssignmentsRecord) -> PhoneAssignments:
        """Return the assignments of a record.

        Raises:
            CorruptRecord: The key of a number is not available.
        """
        decrypt = self._encryption.decrypt
        return PhoneAssignments(
            id=record.id,
            assignments=tuple(
                PhoneAssignment(
                    assigned_at=each.assigned_at,
                    phone=decrypt(each.encrypted_phone, record.id),
                    former_phone=decrypt(each.encrypted_former_phone, record.id),
                    kept_session_id=each.kept_session_id,
                )
                for each in record.assignments
            ),
            notice_due_at=record.notice_due_at,
            locale=record.locale,
        )


DUE_NOTICES: Final = index_by_time("phone_assignments_notice_due_at", "notice_due_at")

PHONE_ASSIGNMENTS: Final = RecordKind(
    "phone_assignments",
    PhoneAssignmentsRecord,
    Index(name="phone_assignments_expires_at", order=EXPIRES_AT),
    DUE_NOTICES,
)


class StoredPhoneAssignments(RecordRepository[PhoneAssignments, PhoneAssignmentsRecord]):
    """The numbers that were assigned to identities within seven days."""

    async def list_due_notices(
        self, now: datetime, limit: int
    ) -> Sequence[Versioned[PhoneAssignments]]:
        return await self.list_until(DUE_NOTICES, now, limit)


def make_phone_change_repositories(
    database: Database, encryption: PhoneEncryption
) -> PhoneChangeRepositories:
    """Return the repositories of changes of the phone.

    Args:
        database: The database.
        encryption: Encrypts and decrypts phones.
    """
    mapping = PhoneAssignmentsMapping(PHONE_ASSIGNMENTS, encryption)
    return PhoneChangeRepositories(
        phone_assignments=StoredPhoneAssignments(database.records, mapping, do_ids_return=True)
    )


KINDS: Final = (PHONE_ASSIGNMENTS,)
