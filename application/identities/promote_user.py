from dataclasses import dataclass

from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.swaps import change_identity
from domain.errors import Unauthenticated, UserNotFound
from domain.identities.identity import Identity
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class PromoteUser:
    """Make somebody an administrator, from the next request on."""

    identities: Identities
    phone_records: PhoneRecords

    async def __call__(self, user: str | PhoneNumber) -> Identity:
        """Find the user by id or by phone.

        Raises:
            UserNotFound
            StoreUnavailable
        """
        if isinstance(user, PhoneNumber):
            record = await self.phone_records.load(user)
            identity_id = record.value.identity_id
        else:
            identity_id = user
        if identity_id is None:
            raise UserNotFound
        try:
            return await change_identity(self.identities, identity_id, Identity.promoted)
        except Unauthenticated as error:
            raise UserNotFound from error
