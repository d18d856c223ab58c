"""Sign-ins to the console, and who is signed in."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

from application.administration.operator import Operator, person
from application.identities.extensions import IdentityExtensions
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.owned_records import OwnedRecords
from application.ports.errors import StorageError
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.security_events import PhoneEvent, SecurityEvent, SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from application.update import change
from domain.errors import IncorrectOtp, PasskeyRequired, Unauthenticated
from domain.features.console import (
    CONSOLE_DEVICE_TTL,
    SECRET_BYTES,
    ConsoleDevice,
    ConsoleDevices,
    ConsoleSession,
    format_cookie,
    parse_cookie,
)
from domain.identities.device_token import SECRET_BYTES as DEVICE_SECRET_BYTES
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.attempts import UsedCode
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.phone_verification import PhoneVerification
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber
from domain.secret_hash import hash_secret


@dataclass(frozen=True, kw_only=True)
class ConsoleSignInSucceeded(PhoneEvent):
    """Somebody of the staff signed in to the console."""

    name = "console_signed_in"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class ConsoleSignedOut(SecurityEvent):
    """Somebody of the staff signed out of the console."""

    name = "console_signed_out"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class ConsoleSignInFailed(PhoneEvent):
    """A code did not open the console."""

    name = "console_sign_in_failed"
    is_warning = True
    reason: str
    attempts_left: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSignInCommand:
    """The code of a request for the console, and the device token of the browser, if it has one."""

    phone: PhoneNumber
    code: OtpCode
    request_id: str
    client_ip: str
    device_token: DeviceToken | None = None


@dataclass(frozen=True, slots=True)
class ConsoleSignedIn:
    """What the browser gets. `device_token` is None if none was stored."""

    cookie: str
    device_token: DeviceToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSignIn:
    """Exchange a code for a session of the console.

    - The right code of a number that has no role gets the error of a wrong one.
    - A number with a fixed code opens no console: many may know the code.
    - Neither does a number that was unused for `recycled_after`: it may have another owner. A
      sign-in counts as use.
    - The message that staff requested no longer counts in the limits of the phone: no
      IP is trusted by the console, and sessions are so short that a day has many sign-ins. Messages
      with the same code that others requested count.
    - A code opens one session. A client that lost the response sends the code again within a
      minute: the session gets a new secret, and the former one is void.
    """

    check_otp: CheckOtp
    console_sessions: ExpiringRecords[ConsoleSession]
    console_devices: OwnedRecords[ConsoleDevices]
    phone_verifications: PhoneVerifications
    identities: Identities
    test_otps: TestOtps
    extensions: IdentityExtensions
    recycled_after: timedelta | None
    clock: Clock
    randomness: Randomness
    events: SecurityEvents

    async def __call__(self, command: ConsoleSignInCommand) -> ConsoleSignedIn:
        """Open a session.

        Raises:
            PasskeyRequired: The code was right.
            StorageError
        """
        checked = await self.check_otp(
            CheckOtpCommand(
                phone=command.phone,
                code=command.code,
                client_ip=command.client_ip,
                request_id=command.request_id,
                device_token=command.device_token,
                purpose=Purpose.CONSOLE_SIGN_IN,
            )
        )
        await self.check_otp.release(checked)
        code = checked.used_code
        if code is None:
            self._reject(command.phone, checked, "wrong code")
        loaded = await self._find_staff(code, command.phone)
        if loaded is None:
            self._reject(command.phone, checked, "no role")
        identity = loaded.value
        if self.extensions.needs_passkey(identity):
            self._record_failure(command.phone, checked, "passkey required")
            raise PasskeyRequired(has_none=not identity.staff.passkeys)
        secret = self.randomness.bytes(SECRET_BYTES).hex()
        if not await self._open_session(code, identity, secret):
            self._reject(command.phone, checked, "used code")
        # The session is open. Without these, a later sign-in may have to wait, or fail.
        device_token = None
        with suppress(StorageError, Unauthenticated):
            await self._stop_counting(command.phone, checked.attempt.request_id or "")
            known = command.device_token if code.is_device_recognized else None
            device_token = await self._record_use(loaded, known)
        self.events.record(ConsoleSignInSucceeded(phone=command.phone, user_id=identity.id))
        return ConsoleSignedIn(format_cookie(code.challenge.id, secret), device_token)

    async def _find_staff(self, code: UsedCode, phone: PhoneNumber) -> Versioned[Identity] | None:
        # The identity that was loaded with the code may have changed since.
        loaded = await self.identities.load(code.login.identity_id)
        if loaded is None or loaded.value.phone != phone or self._is_recycled(loaded.value):
            return None
        return loaded if is_open_staff(loaded.value, self.test_otps) else None

    def _is_recycled(self, identity: Identity) -> bool:
        after = self.recycled_after
        return after is not None and identity.is_unused(self.clock.now(), after)

    async def _open_session(self, code: UsedCode, identity: Identity, secret: str) -> bool:
        now = self.clock.now()

        def open_session(
            opened: ConsoleSession | None,
        ) -> tuple[ConsoleSession | None, bool]:
            if opened is not None:
                repeated = opened.repeat_sign_in(secret, now)
                return repeated, repeated is not None
            session = ConsoleSession(
                id=code.challenge.id,
                secret_hash=hash_secret(secret),
                identity_id=identity.id,
                session_version=identity.session_version,
                created_at=now,
                last_used_at=now,
            )
            return session, True

        return await change(self.console_sessions, code.challenge.id, open_session)

    async def _stop_counting(self, phone: PhoneNumber, request_id: str) -> None:
        def stop_counting(verification: PhoneVerification) -> tuple[PhoneVerification, None]:
            deliveries = verification.deliveries.stop_counting(request_id)
            return replace(verification, deliveries=deliveries), None

        await change(self.phone_verifications, phone, stop_counting)

    async def _record_use(
        self, loaded: Versioned[Identity], known: DeviceToken | None
    ) -> DeviceToken:
        """Record the use, and the browser. A recognized browser keeps its token."""
        identity = loaded.value
        token = known or DeviceToken(identity.id, self.randomness.bytes(DEVICE_SECRET_BYTES))
        now = self.clock.now()
        # The version of the opened session: what has ended the session since ends the device too.
        version, expires_at = identity.session_version, now + CONSOLE_DEVICE_TTL
        device = ConsoleDevice(token.device_id, version, expires_at)

        def record_use(found: Identity) -> tuple[Identity, None]:
            return found.require_open().mark_used(now), None

        def add(found: ConsoleDevices | None) -> ConsoleDevices:
            return (found or ConsoleDevices(identity.id)).add(device, now)

        await change(
            self.identities, identity.id, record_use, missing=Unauthenticated, loaded=loaded
        )
        await self.console_devices.change(identity.id, add, Unauthenticated)
        return token

    def _reject(self, phone: PhoneNumber, checked: CheckedOtp, reason: str) -> NoReturn:
        self._record_failure(phone, checked, reason)
        raise IncorrectOtp("otp", checked.attempts_left)

    def _record_failure(self, phone: PhoneNumber, checked: CheckedOtp, reason: str) -> None:
        left = checked.attempts_left
        self.events.record(ConsoleSignInFailed(phone=phone, reason=reason, attempts_left=left))


@dataclass(frozen=True, slots=True)
class ConsoleSignOut:
    """End a session of the console. A cookie whose session has ended is no error."""

    console_sessions: ExpiringRecords[ConsoleSession]
    clock: Clock
    events: SecurityEvents

    async def __call__(self, cookie: str) -> None:
        parsed, now = parse_cookie(cookie), self.clock.now()
        if parsed is None:
            return
        session_id, secret = parsed

        def sign_out(
            session: ConsoleSession | None,
        ) -> tuple[ConsoleSession | None, ConsoleSession | None]:
            if session is None or not session.accepts(secret, now):
                return session, None
            ended = session.sign_out()
            return ended, ended

        ended = await change(self.console_sessions, session_id, sign_out)
        if ended is not None:
            self.events.record(ConsoleSignedOut(user_id=ended.identity_id))
