"""Which identity a phone belongs to."""

from dataclasses import dataclass

from application.ports.phone_records import PhoneRecords
from application.swaps import decide_on_phone
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord


@dataclass(frozen=True, slots=True)
class Owner:
    """The identity that a phone's record names, and whether the record is blocked."""

    identity_id: str
    is_blocked: bool


async def claim_phone(
    records: PhoneRecords, phone: PhoneNumber, fresh_id: str, dead_id: str | None = None
) -> Owner:
    """Give whom the phone's record names; have it name `fresh_id` if it names nobody.

    An id that is `dead_id` (of a deleted identity) counts as none. The identity of the id may
    not exist yet: whoever needs it makes it, under that id.

    Raises:
        StoreUnavailable
    """

    def decide(record: PhoneRecord) -> tuple[PhoneRecord, Owner]:
        is_blocked = record.blocked is not None
        if record.identity_id not in (None, dead_id):
            return record, Owner(record.identity_id, is_blocked)
        return record.owned_by(fresh_id), Owner(fresh_id, is_blocked)

    return await decide_on_phone(records, phone, decide)
