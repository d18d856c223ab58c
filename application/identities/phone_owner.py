"""Which identity a phone belongs to."""

from application.ports.phone_records import PhoneRecords
from application.swaps import decide_on_phone
from domain.phone import PhoneNumber
from domain.sign_in.phone_record import PhoneRecord


async def claim_identity_id(
    records: PhoneRecords, phone: PhoneNumber, fresh_id: str, dead_id: str | None = None
) -> str:
    """Give the id that the phone's record names; have it name `fresh_id` if it names none.

    An id that is `dead_id` (of a deleted identity) counts as none. The identity of the id may
    not exist yet: whoever needs it makes it, under that id.

    Raises:
        StoreUnavailable
    """

    def decide(record: PhoneRecord) -> tuple[PhoneRecord, str]:
        if record.identity_id not in (None, dead_id):
            return record, record.identity_id
        return record.owned_by(fresh_id), fresh_id

    return await decide_on_phone(records, phone, decide)
