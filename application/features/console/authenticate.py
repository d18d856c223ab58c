"""Authenticate a request of the web console by its cookie."""

from contextlib import suppress
from dataclasses import dataclass

from application.administration.operator import Operator, person
from application.identities.extensions import IdentityExtensions
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.system import Clock
from application.ports.versioned import ExpiringRecords
from domain.errors import Unauthenticated
from domain.features.console.session import ConsoleSession, parse_cookie
from domain.identities.identity import Identity
from domain.otp.test_otps import TestOtps


@dataclass(frozen=True, slots=True)
class ConsoleUser:
    """Somebody of the staff in the console: the session, and the operator for use cases."""

    session: ConsoleSession
    operator: Operator


@dataclass(frozen=True, slots=True)
class AuthenticateConsole:
    """Find who of the staff has a cookie.

    - Session and identity are read every time, so a sign-out of all sessions, a block, a deletion,
      a change of the phone and the end of a role act at once.
    - A session by code of somebody who needs a passkey has ended, and so has one whose passkey was
      removed.
    """

    console_sessions: ExpiringRecords[ConsoleSession]
    identities: Identities
    test_otps: TestOtps
    extensions: IdentityExtensions
    clock: Clock

    async def __call__(self, cookie: str) -> ConsoleUser:
        """Authenticate a request.

        Raises:
            Unauthenticated
            StorageError
        """
        parsed, now = parse_cookie(cookie), self.clock.now()
        if parsed is None:
            raise Unauthenticated
        session_id, secret = parsed
        loaded = await self.console_sessions.load(session_id)
        if loaded is None or not loaded.value.accepts(secret, now):
            raise Unauthenticated
        session = loaded.value
        identity = await self.identities.load(session.identity_id)
        if (
            identity is None
            or identity.value.session_version != session.session_version
            or not is_open_staff(identity.value, self.test_otps)
            or not self._has_passkey(session, identity.value)
        ):
            raise Unauthenticated
        used = session.record_use(now)
        if used is not session:
            # A parallel request may have recorded it, or ended the session: that write stays.
            with suppress(StorageError):
                await self.console_sessions.replace(used, loaded.version)
        operator = person(
            identity.value,
            has_fresh_login=session.is_fresh(now),
            has_passkey=session.passkey_id is not None,
            always_says_why=True,
        )
        return ConsoleUser(used, operator)

    def _has_passkey(self, session: ConsoleSession, identity: Identity) -> bool:
        if session.passkey_id is None:
            return not self.extensions.needs_passkey(identity)
        return identity.staff.find_passkey(session.passkey_id) is not None


def is_open_staff(identity: Identity, test_otps: TestOtps) -> bool:
    """Return whether this identity may use the console now.

    Nobody may whose number has a fixed code: many may know the code.
    """
    is_open = identity.is_staff and not identity.is_closed and not identity.is_blocked
    return is_open and identity.phone is not None and not test_otps.includes(identity.phone)
