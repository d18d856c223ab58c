from dataclasses import dataclass

from application.identities.assign_phone import assign_phone
from application.ports.errors import StorageUnavailable
from application.ports.identities import Identities
from application.ports.phone_verifications import PhoneVerifications
from application.ports.randomness import Randomness
from application.ports.versioned import Versioned
from application.update import MAX_RETRIES
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AddSession:
    """Open a session at the identity of a phone.

    - One that does not exist yet is made; one deleted since gives way to a new one, under a new id.
    - A block that came meanwhile is as good as one before.
    """

    phone_verifications: PhoneVerifications
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
            StorageUnavailable: also when the swap was lost too often.
        """
        for _ in range(MAX_RETRIES):
            if loaded is None:
                identity = Identity(identity_id, phone, session.created_at)
                if await self.identities.add(identity.add_session(session)):
                    return identity_id
            elif loaded.value.is_deleted:
                fresh_id = make_identifier(session.created_at, self.randomness.bytes(RANDOM_BYTES))
                owner = await assign_phone(self.phone_verifications, phone, fresh_id, identity_id)
                if owner.is_blocked:
                    return None
                identity_id = owner.identity_id
            elif loaded.value.is_blocked:
                return None
            elif await self.identities.replace(loaded.value.add_session(session), loaded.version):
                return identity_id
            loaded = await self.identities.load(identity_id)
        raise StorageUnavailable("too many sign-ins at one identity")
