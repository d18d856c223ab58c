from dataclasses import dataclass

from application.identities.phone_owner import claim_phone
from application.ports.errors import StoreUnavailable
from application.ports.identities import Identities
from application.ports.phone_records import PhoneRecords
from application.ports.randomness import Randomness
from application.ports.versioned import Versioned
from application.swaps import ROUNDS
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a session at the identity of a phone.

    - One that does not exist yet is made; one deleted since gives way to a new one, under a new id.
    - A block that came meanwhile is as good as one before.
    """

    phone_records: PhoneRecords
    identities: Identities
    randomness: Randomness

    async def __call__(
        self,
        session: Session,
        phone: PhoneNumber,
        identity_id: str,
        loaded: Versioned[Identity] | None,
    ) -> str | None:
        """Give the id of the identity that it is open at; None when that is blocked.

        `identity_id` is whom the phone's record names, `loaded` that identity as it was a moment
        ago.

        Raises:
            StoreUnavailable: also when the swap was lost too often.
        """
        for _ in range(ROUNDS):
            if loaded is None:
                identity = Identity(identity_id, phone, session.created)
                if await self.identities.add(identity.signed_in(session)):
                    return identity_id
            elif not loaded.value.is_alive:
                fresh_id = make_identifier(session.created, self.randomness.bytes(RANDOM_BYTES))
                owner = await claim_phone(self.phone_records, phone, fresh_id, identity_id)
                if owner.is_blocked:
                    return None
                identity_id = owner.identity_id
            elif loaded.value.is_blocked:
                return None
            elif await self.identities.replace(loaded.value.signed_in(session), loaded.version):
                return identity_id
            loaded = await self.identities.load(identity_id)
        raise StoreUnavailable("too many sign-ins at one identity")
