"""Return the session of a login again, to a client that lost the response."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.identities import Identities
from application.update import save_record
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.otp.attempts import UsedCode

RepeatedLogin = tuple[Identity, Session]


@dataclass(frozen=True, slots=True)
class RepeatLogin:
    """Find the session that a code opened, for a repeat of the request that opened it.

    - The client proves itself with the code, and with the request id that it sent with it.
    - It has a minute, until the session is used for the first time.
    - The repeat and the first use both change the identity, so one of them sees the other.
    """

    identities: Identities

    async def __call__(
        self, code: UsedCode, request_id: str | None, now: datetime
    ) -> RepeatedLogin | None:
        """Return the identity and the session, or None where the login cannot be repeated.

        Args:
            code: the code, which was used before.
            request_id: the request id of the repeat, if any.
            now: when the repeat arrived.

        Raises:
            StorageError
        """

        def repeat(identity: Identity | None) -> tuple[Identity | None, RepeatedLogin | None]:
            if identity is None or identity.is_closed:
                return identity, None
            repeated = identity.repeat_login(code.challenge.id, request_id, now)
            return (repeated[0], repeated) if repeated else (identity, None)

        return await save_record(self.identities, code.login.identity_id, repeat)
