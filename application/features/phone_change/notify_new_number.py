"""Tell a number that it signs in to an account now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.features.phone_change.ports import PhoneAssignmentsRepository
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.system import Clock
from application.update import change
from domain.features.phone_change.phone_assignment import NOTICE_PERIOD, PhoneAssignments
from domain.identities.phone_change import PhoneNotice

RETRY_DELAY: Final = timedelta(minutes=2)
"""After so long without an attempt, the process that sent a message is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyNewNumber:
    """Send the message that says how to disown an account, if it is due.

    - A process claims the message before it sends, so that it is sent once however many processes
      try. A process that is killed in between leaves it to the cleanup, two minutes later.
    - The message is left out if the identity has another number meanwhile.
    """

    phone_assignments: PhoneAssignmentsRepository
    identities: Identities
    send_notice: SendNotice | None
    clock: Clock

    async def __call__(self, identity_id: str) -> None:
        """Send the message to the number that an identity got last, if it is due.

        Raises:
            StorageError
        """
        now = self.clock.now()

        def claim(
            found: PhoneAssignments | None,
        ) -> tuple[PhoneAssignments | None, PhoneAssignments | None]:
            if found is None or not found.is_notice_due(now):
                return found, None
            claimed = found.set_notice_due(now + RETRY_DELAY)
            return claimed, claimed

        claimed = await change(self.phone_assignments, identity_id, claim)
        if claimed is None:
            return
        phone = claimed.latest.phone
        loaded = await self.identities.load(identity_id)
        is_owner = loaded is not None and loaded.value.is_open_owner(phone)
        if is_owner and loaded is not None and loaded.value.phone != phone:
            return  # the change that gives it the number was interrupted
        is_done = not is_owner or (
            self.send_notice is not None
            and await self.send_notice(phone, PhoneNotice.PHONE_ASSIGNED, claimed.locale)
        )
        if is_done or now >= claimed.latest.assigned_at + NOTICE_PERIOD:
            await change(
                self.phone_assignments,
                identity_id,
                lambda found: (_end(found, claimed), None),
            )


def _end(found: PhoneAssignments | None, claimed: PhoneAssignments) -> PhoneAssignments | None:
    """Return the assignments without a due message, unless another process changed them."""
    return found.set_notice_due(None) if found == claimed else found
