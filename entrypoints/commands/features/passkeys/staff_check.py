"""Whether each administrator has a passkey, where all staff needs one."""

from collections.abc import AsyncIterator
from typing import Final

from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import IDENTITIES, STAFF
from adapters.databases.records.record_store import IndexPosition, RecordStore
from domain.identities.role import Role
from entrypoints.opening.startup_error import StartupError

_PAGE_SIZE: Final = 100
_MAX_NAMED: Final = 20


async def check_administrators(records: RecordStore) -> str:
    """Check that each administrator has a passkey; return a note. A blocked one does not count.

    Raises:
        StartupError: One has none.
    """
    without = [each.id async for each in _list(records) if not each.staff.passkeys]
    if not without:
        return "Each administrator has a passkey, as DIALTONE_STAFF_PASSKEYS=required demands."
    more = len(without) - _MAX_NAMED
    raise StartupError(
        "DIALTONE_STAFF_PASSKEYS must not be required while administrators have no passkey: "
        f"{', '.join(without[:_MAX_NAMED])}{f' and {more} more' if more > 0 else ''}. Make a link "
        "for each with `dialtone user passkey-invite`, or demote them with `dialtone user demote`."
    )


async def _list(records: RecordStore) -> AsyncIterator[IdentityRecord]:
    after: IndexPosition | None = None
    while True:
        role = [Role.ADMINISTRATOR.value]
        page = await records.find(IDENTITIES, STAFF, role, after=after, limit=_PAGE_SIZE)
        for stored in page:
            if stored.record.blocked_at is None:
                yield stored.record
        if len(page) < _PAGE_SIZE:
            return
        after = IndexPosition(page[-1].record.created_at, page[-1].record.id)
