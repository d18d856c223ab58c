"""A login: verify a code, open its session, and repeat its response."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Final, NoReturn

from application.identities.additions import (
    IdentityAdditions,
    LoginHookCall,
    PendingLogin,
    RejectLogin,
)
from application.identities.assign_phone import AssignPhone
from application.identities.events import (
    IdentityDetached,
    LoginRejectedByHook,
    LoginSucceeded,
    StaffSignedInByCode,
)
from application.identities.session_factory import SessionFactory, Tokens
from application.identities.token_claims import Claims, encode_claims
from application.otp.check_otp import CheckedOtp, CheckOtp, CheckOtpCommand
from application.otp.events import BlockedLogin, FixedCodeUsed, OtpVerificationFailed
from application.ports.errors import CorruptRecord, StorageError
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Randomness
from application.ports.versioned import Versioned
from application.update import change
from domain.errors import AccountBlocked, LoginRejected
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DEVICE_TOKEN_TTL, DeviceToken, RecognizedDevice
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.session import Session
from domain.otp.attempts import Correct, LoginApproval, LoginDecision, LoginRejection, UsedCode
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber

MAX_REJECTION_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOtpCommand(CheckOtpCommand):
    """A code for a sign-in, and what its client gets. The legacy API has no request ids."""

    device: str | None = None
    with_refresh: bool = False
    with_device_token: bool = False
    is_legacy: bool = False


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The code was correct. The identity has the session of the tokens."""

    identity: Identity
    tokens: Tokens
    device_token: DeviceToken | None = None


class _Change(Enum):
    """What a login did to an identity."""

    SESSION_ADDED = auto()
    DETACHED = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class LogIn:
    """Open the session of a code, for the identity of its phone.

    - An identity that does not exist yet is created. A deleted or detached one, or one that has
      another phone, is replaced by a new one with a new id.
    - While the phone of the identity changes, no session is opened by the phone that it does not
      have yet, or not anymore.
    - A blocked identity gets no session, even if it was blocked a moment ago.
    - An identity that was unused for `recycled_after` is detached, unless a recognized device
      proves that the phone has the same owner. The phone gets a new identity. The former one is
      not deleted, because its owner may only have been away. Staff keep theirs.
    - A challenge opens one session, even if several requests try to add it.
    """

    assign_phone: AssignPhone
    identities: Identities
    additions: IdentityAdditions
    sessions: SessionFactory
    randomness: Randomness
    events: SecurityEvents
    recycled_after: timedelta | None

    async def decide_login(
        self,
        login_hook: LoginHookCall,
        command: VerifyOtpCommand,
        code: UsedCode,
        loaded: Versioned[Identity | None] | None,
        now: datetime,
    ) -> LoginDecision:
        """Ask the login hook about a login, before its code is used."""
        identity = loaded.value if loaded else None
        if identity is not None:
            planned = self._plan_change(identity, command.phone, code, now)
            if planned is not _Change.SESSION_ADDED:
                identity = None  # a new one replaces it
        login = PendingLogin(
            user_id=identity.id if identity else None,
            external_id=identity.external_id if identity else None,
            challenge_id=code.challenge.id,
            phone=command.phone,
            channel=code.channel,
            device=command.device,
            is_device_recognized=code.is_device_recognized,
        )
        return await ask_login_hook(login_hook, login)

    async def open_session(
        self, command: VerifyOtpCommand, checked: CheckedOtp, code: UsedCode
    ) -> LoggedIn | None:
        """Open the session.

        None if the challenge opened a session before. If an earlier request used the code, also if
        it has expired, or if the identity is deleted or detached.
        """
        now, is_retry = checked.attempt.now, not isinstance(checked.result, Correct)
        if is_retry and now >= code.challenge.expires_at:
            return None
        session = self.sessions.start(
            code.login.session_id,
            now,
            command.device,
            with_refresh=command.with_refresh,
            network=checked.attempt.client_ip.network,
            claims=code.login.claims,
        )
        device_token = self._make_device_token(command, code, session)
        used = UsedChallenge(
            code.challenge.id,
            code.challenge.retained_until + CLOCK_SKEW,
            session.id,
            checked.attempt.request_id,
            _client_ip_hash(command, checked),
        )
        added = await self._add_session(
            command.phone,
            code,
            session,
            used,
            device_token,
            None if is_retry else checked.identity,
            is_retry=is_retry,
        )
        if added is None:
            return None
        identity, claims = added
        await self._mark_call(code, identity.id)
        self.events.record(
            LoginSucceeded(
                phone=command.phone,
                user_id=identity.id,
                session_id=session.id,
                provider=code.carrier.provider,
                channel=code.channel,
            )
        )
        if not code.is_device_recognized and self.additions.needs_passkey(identity):
            self.events.record(StaffSignedInByCode(phone=command.phone, user_id=identity.id))
        for after_login in self.additions.after_login:
            await after_login(command.phone, code.channel)
        if device_token is not None:
            device_token = replace(device_token, identity_id=identity.id)
        return LoggedIn(
            identity, self.sessions.issue_tokens(identity, session, now, claims), device_token
        )

    async def repeat(
        self, command: VerifyOtpCommand, checked: CheckedOtp, code: UsedCode
    ) -> LoggedIn | None:
        """Issue the tokens of the session that a code opened, for a repeat of that request.

        - The client proves itself with the code, and with the request id that it sent with it; by
          the legacy API, with its IP.
        - It may do so for a minute, until the session is used for the first time.
        - The repeat and the first use both change the identity, so one of them sees the other.

        Returns:
            The same tokens again, or None where the login cannot be repeated.
        """
        attempt = checked.attempt
        client_ip_hash = _client_ip_hash(command, checked)

        async def repeat(
            identity: Identity | None,
        ) -> tuple[Identity | None, tuple[Identity, Session, Claims | None] | None]:
            if identity is None or identity.is_closed:
                return identity, None
            repeated = identity.repeat_login(
                code.challenge.id, attempt.request_id, client_ip_hash, attempt.now
            )
            if repeated is None:
                return identity, None
            identity, session = repeated
            claims = await self.sessions.load_claims(identity.id, session)
            return identity, (identity, session, claims)

        repeated = await change(self.identities, code.login.identity_id, repeat)
        if repeated is None:
            return None
        identity, session, claims = repeated
        tokens = self.sessions.issue_tokens(identity, session, attempt.now, claims)
        return LoggedIn(identity, tokens, self._find_device_token(command, identity, session))

    async def _add_session(
        self,
        phone: PhoneNumber,
        code: UsedCode,
        session: Session,
        used: UsedChallenge,
        device_token: DeviceToken | None,
        loaded: Versioned[Identity | None] | None = None,
        *,
        is_retry: bool = False,
    ) -> tuple[Identity, Claims | None] | None:
        """Add the session to the identity of the phone; see `open_session`.

        Returns:
            The identity, and the claims of extensions for its token.
        """
        identity_id, now = code.login.identity_id, session.created_at
        # Before the write: without them there is no token, and so no session.
        claims = await self.sessions.load_claims(identity_id, session)

        def add(identity: Identity | None) -> tuple[Identity, tuple[Identity, _Change]]:
            if identity is None:
                identity = Identity(identity_id, phone, now)
            if identity.is_blocked or identity.phone != phone or identity.has_used(used.id):
                return identity, (identity, _Change.NONE)
            planned = self._plan_change(identity, phone, code, now)
            if planned is _Change.DETACHED:
                identity = identity.detach(now)
            elif planned is _Change.SESSION_ADDED:
                device = None
                if device_token is not None:
                    expires_at = now + DEVICE_TOKEN_TTL
                    device = RecognizedDevice(device_token.device_id, session.id, expires_at)
                identity = identity.add_session(session, used, device)
            return identity, (identity, planned)

        identity, made = await change(self.identities, identity_id, add, loaded=loaded)
        if made is _Change.SESSION_ADDED:
            return identity, claims
        if made is _Change.DETACHED:
            self.events.record(IdentityDetached(phone=phone, user_id=identity_id))
        elif identity.is_blocked and identity.owns(phone):
            self.events.record(BlockedLogin(phone=phone))
            raise AccountBlocked
        elif is_retry or identity.has_used(used.id) or identity.is_open_owner(phone):
            return None
        moved = await self._assign_phone(phone, code, now)
        return await self._add_session(phone, moved, session, used, device_token)

    def _plan_change(
        self, identity: Identity, phone: PhoneNumber, code: UsedCode, now: datetime
    ) -> _Change:
        """Return what the login does to the identity of the code, unless that is blocked."""
        if not identity.is_open_owner(phone):
            return _Change.NONE
        if self.recycled_after is None or code.is_device_recognized or identity.is_staff:
            return _Change.SESSION_ADDED
        is_unused = identity.is_unused(now, self.recycled_after)
        return _Change.DETACHED if is_unused else _Change.SESSION_ADDED

    async def _assign_phone(self, phone: PhoneNumber, code: UsedCode, now: datetime) -> UsedCode:
        """Assign the phone to a new identity instead of the closed one."""
        new_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        owner_id, is_blocked = await self.assign_phone(
            phone, new_id, code.login.identity_id, code.challenge.id
        )
        if is_blocked:
            self.events.record(BlockedLogin(phone=phone))
            raise AccountBlocked
        login = replace(code.login, identity_id=owner_id)
        return replace(code, login=login, is_device_recognized=False)

    def _make_device_token(
        self, command: VerifyOtpCommand, code: UsedCode, session: Session
    ) -> DeviceToken | None:
        if not command.with_device_token:
            return None
        known = command.device_token if code.is_device_recognized else None
        return self.sessions.make_device_token(code.login.identity_id, session.id, known)

    def _find_device_token(
        self, command: VerifyOtpCommand, identity: Identity, session: Session
    ) -> DeviceToken | None:
        devices = {device.id for device in identity.devices if device.session_id == session.id}
        secrets = self.sessions.derive_device_secrets(session.id)
        if command.device_token is not None:  # a recognized device keeps its own
            secrets.append(command.device_token.secret)
        for secret in secrets:
            device_token = DeviceToken(identity.id, secret)
            if device_token.device_id in devices:
                return device_token
        return None

    async def _mark_call(self, code: UsedCode, identity_id: str) -> None:
        if code.carrier.call_id is not None:
            for mark_call in self.additions.after_login_by_call:
                with suppress(StorageError, CorruptRecord):
                    await mark_call(code.carrier.call_id, identity_id)


async def ask_login_hook(login_hook: LoginHookCall, login: PendingLogin) -> LoginDecision:
    """Ask the login hook about a login."""
    decided = await login_hook(login)
    if isinstance(decided, RejectLogin):
        return LoginRejection(_shorten(decided.text), login.user_id)
    return LoginApproval(encode_claims(decided.claims) if decided.claims else "")


def _client_ip_hash(command: VerifyOtpCommand, checked: CheckedOtp) -> str | None:
    """Return what proves a repeat by the legacy API."""
    return checked.attempt.client_ip.ip if command.is_legacy else None


def _shorten(text: str) -> str:
    # The JSON of the response has no half of a surrogate pair.
    text = text.encode(errors="replace").decode().strip()
    return text if len(text) <= MAX_REJECTION_LENGTH else f"{text[: MAX_REJECTION_LENGTH - 1]}…"


@dataclass(frozen=True, slots=True)
class OtpRejected:
    """The code was wrong, expired, used before or never sent. Clients are not told which."""

    attempts_left: int


@dataclass(frozen=True, slots=True)
class VerifyOtp:
    """Exchange a one-time code for a session (see `CheckOtp`).

    - No login is lost: where the session was not saved, the same client may send the code again.
      Only the request whose write adds the session gets tokens, and the repeats of that request
      (`LogIn.repeat`): they open no second session, release nothing and are no second login.
    - The first correct code of a phone creates its identity. A deleted identity is replaced by a
      new one with a new id.
    - A block between the verification and the session has the same effect as an earlier one.
    - The login hook is asked once for a login, before its code is used (`LogIn.decide_login`).

    What does not depend on each other is sent to the database at the same time, so a login takes
    three sequential round trips, and two more on MongoDB where a limit may be full. After a login
    by a code that was read in a call, two more mark that call.
    """

    check_otp: CheckOtp
    log_in: LogIn
    events: SecurityEvents

    async def __call__(self, command: VerifyOtpCommand) -> LoggedIn | OtpRejected:
        phone = command.phone
        # Without a hook, the identity is loaded together with the write.
        login_hook = self.log_in.additions.login_hook
        decide = partial(self.log_in.decide_login, login_hook, command) if login_hook else None
        checked = await self.check_otp(command, decide)
        if checked.rejection is not None:
            await self._reject(phone, checked, checked.rejection)
        logged_in = await self._open_session(command, checked)
        if logged_in is not None:
            return logged_in
        left = checked.attempts_left
        self.events.record(OtpVerificationFailed(phone=phone, attempts_left=left))
        return OtpRejected(left)

    async def _reject(
        self, phone: PhoneNumber, checked: CheckedOtp, by: LoginRejection
    ) -> NoReturn:
        await self.check_otp.release(checked)
        self.events.record(LoginRejectedByHook(phone=phone, user_id=by.user_id, reason=by.text))
        raise LoginRejected(by.text)

    async def _open_session(
        self, command: VerifyOtpCommand, checked: CheckedOtp
    ) -> LoggedIn | None:
        """Open the session of the code, or repeat the login that did; None for a wrong code."""
        code, now = checked.used_code, checked.attempt.now
        if code is None:
            return None
        logged_in, _ = await asyncio.gather(
            self.log_in.open_session(command, checked, code), self.check_otp.release(checked)
        )
        if logged_in is None:  # a parallel request may have opened the session
            return await self.log_in.repeat(command, checked, code)
        if self.check_otp.codes.has_fixed_code(command.phone, now):
            self.events.record(
                FixedCodeUsed(
                    phone=command.phone, user_id=logged_in.identity.id, reason="logged in"
                )
            )
        return logged_in
