"""A login: add its session to the identity of the phone, and repeat its response."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.identities.assign_phone import assign_phone
from application.identities.session_factory import SessionFactory, Tokens
from application.ports.identities import Identities
from application.ports.otp import PhoneVerifications
from application.ports.system import Randomness, SecurityEvents, SecurityEventType
from application.ports.versioned import Versioned
from application.update import save_identity, save_record
from domain.identifier import RANDOM_BYTES, make_identifier
from domain.identities.device_token import DEVICE_TOKEN_TTL, DeviceToken, RecognizedDevice
from domain.identities.identity import Identity, UsedChallenge
from domain.identities.session import Session
from domain.otp.attempts import UsedCode
from domain.otp.sliding_window import CLOCK_SKEW
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class AddSession:
    """Add a session to the identity of a phone.

    - An identity that does not exist yet is created. A deleted or detached one is replaced by a
      new one with a new id.
    - A blocked identity gets no session, even if it was blocked a moment ago.
    - An identity that was unused for `recycled_after` is detached, unless a recognized device
      proves that the phone has the same owner. The phone gets a new identity.
    - A challenge opens one session, even if several requests try to add it.
    """

    phone_verifications: PhoneVerifications
    identities: Identities
    randomness: Randomness
    events: SecurityEvents
    recycled_after: timedelta | None = None

    async def __call__(
        self,
        session: Session,
        phone: PhoneNumber,
        code: UsedCode,
        loaded: Versioned[Identity | None] | None = None,
        device_id: str | None = None,
        request_id: str | None = None,
        client_ip_hash: str | None = None,
        *,
        is_retry: bool = False,
    ) -> Identity | None:
        """Add the session to the identity of the phone, and return that identity.

        None if that identity is blocked, if the challenge opened a session before, or if the
        identity of a retry is deleted or detached.

        Args:
            session: the session.
            phone: the phone that was verified.
            code: the code that was used, with the identity that the phone is assigned to.
            loaded: that identity or None, where the caller has loaded it.
            device_id: the device that is recognized from now on, if any.
            request_id: the request id that the client sent with the code, if any.
            client_ip_hash: the client IP, if the code came by the legacy API.
            is_retry: an earlier request used the code.

        Raises:
            StorageError
        """
        identity_id, challenge = code.login.identity_id, code.challenge
        used = UsedChallenge(
            challenge.id,
            challenge.retained_until + CLOCK_SKEW,
            session.id,
            request_id,
            client_ip_hash,
        )
        device = device_id and RecognizedDevice(
            device_id, session.id, session.created_at + DEVICE_TOKEN_TTL
        )

        now = session.created_at
        is_added = is_detaching = False

        def add(identity: Identity | None) -> Identity:
            nonlocal is_added, is_detaching
            is_added = is_detaching = False
            if identity is None:
                identity = Identity(identity_id, phone, now)
            if identity.is_blocked or identity.is_closed or identity.has_used(used.id):
                return identity
            if self.recycled_after is not None and not code.is_device_recognized:
                is_detaching = identity.is_unused(now, self.recycled_after)
            if is_detaching:
                return identity.detach(now)
            is_added = True
            added = identity.add_session(session, used)
            return added.add_device(device, now) if device else added

        identity = await save_identity(self.identities, identity_id, add, loaded)
        if is_added:
            return identity
        if is_detaching:
            self.events.emit(SecurityEventType.IDENTITY_DETACHED, phone=phone, user_id=identity_id)
        elif is_retry or not identity.is_closed or identity.has_used(used.id):
            return None
        new_id = make_identifier(now, self.randomness.bytes(RANDOM_BYTES))
        owner_id, is_blocked = await assign_phone(
            self.phone_verifications, phone, new_id, identity_id, used.id
        )
        if is_blocked:
            return None
        login = replace(code.login, identity_id=owner_id)
        moved = replace(code, login=login, is_device_recognized=False)
        return await self(
            session,
            phone,
            moved,
            device_id=device_id,
            request_id=request_id,
            client_ip_hash=client_ip_hash,
        )


async def repeat_login(
    identities: Identities,
    sessions: SessionFactory,
    code: UsedCode,
    request_id: str | None,
    client_ip_hash: str | None,
    device_token: DeviceToken | None,
    now: datetime,
) -> tuple[Identity, Tokens, DeviceToken | None] | None:
    """Issue the tokens of the session that a code opened, for a repeat of that request.

    - The client proves itself with the code, and with the request id that it sent with it; by the
      legacy API, with its IP.
    - It has a minute, until the session is used for the first time.
    - The repeat and the first use both change the identity, so one of them sees the other.

    Args:
        identities: the repository.
        sessions: issues the tokens.
        code: the code, which was used before.
        request_id: the request id of the repeat, if any.
        client_ip_hash: the client IP, if the repeat came by the legacy API.
        device_token: the device token of the repeat, if any.
        now: when the repeat arrived.

    Returns:
        The identity and the same tokens again, or None where the login cannot be repeated.

    Raises:
        StorageError
    """
    session: Session | None = None

    def repeat(identity: Identity | None) -> Identity | None:
        nonlocal session
        session = None
        if identity is None or identity.is_closed:
            return identity
        if repeated := identity.repeat_login(code.challenge.id, request_id, client_ip_hash, now):
            identity, session = repeated
        return identity

    identity = await save_record(identities, code.login.identity_id, repeat)
    if identity is None or session is None:
        return None
    devices = {device.id for device in identity.devices if device.session_id == session.id}
    secrets = sessions.derive_device_secrets(session.id)
    if device_token is not None:  # a recognized device keeps its own
        secrets.append(device_token.secret)
    issued = (DeviceToken(identity.id, secret) for secret in secrets)
    return (
        identity,
        sessions.issue_tokens(identity.id, session, now),
        next((token for token in issued if token.device_id in devices), None),
    )
