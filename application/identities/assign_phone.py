"""Which identity a phone belongs to."""

from dataclasses import dataclass

from application.ports.phone_verifications import PhoneVerifications
from application.update import update_phone_verification
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class Owner:
    """The identity that a phone's record names, and whether the record is blocked."""

    identity_id: str
    is_blocked: bool


async def assign_phone(
    records: PhoneVerifications, phone: PhoneNumber, fresh_id: str, dead_id: str | None = None
) -> Owner:
    """Give whom the phone's record names; have it name `fresh_id` if it names nobody.

    An id that is `dead_id` (of a deleted identity) counts as none. The identity of the id may
    not exist yet: whoever needs it makes it, under that id.

    Raises:
        StorageUnavailable
    """

    def decide(record: PhoneVerification) -> tuple[PhoneVerification, Owner]:
        is_blocked = record.blocked_at is not None
        if record.identity_id not in (None, dead_id):
            return record, Owner(record.identity_id, is_blocked)
        return record.assign_identity(fresh_id), Owner(fresh_id, is_blocked)

    return await update_phone_verification(records, phone, decide)
