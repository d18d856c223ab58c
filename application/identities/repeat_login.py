"""Return the session of a login again, to a client that lost the response."""

from datetime import datetime

from application.identities.session_factory import SessionFactory, Tokens
from application.ports.identities import Identities
from application.update import save_record
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.identities.session import Session
from domain.otp.attempts import UsedCode


async def repeat_login(
    identities: Identities,
    sessions: SessionFactory,
    code: UsedCode,
    request_id: str | None,
    device_token: DeviceToken | None,
    now: datetime,
) -> tuple[Tokens, DeviceToken | None] | None:
    """Issue the tokens of the session that a code opened, for a repeat of that request.

    - The client proves itself with the code, and with the request id that it sent with it.
    - It has a minute, until the session is used for the first time.
    - The repeat and the first use both change the identity, so one of them sees the other.

    Args:
        identities: the repository.
        sessions: issues the tokens.
        code: the code, which was used before.
        request_id: the request id of the repeat, if any.
        device_token: the device token of the repeat, if any.
        now: when the repeat arrived.

    Returns:
        The same tokens again, or None where the login cannot be repeated.

    Raises:
        StorageError
    """
    session: Session | None = None

    def repeat(identity: Identity | None) -> Identity | None:
        nonlocal session
        session = None
        if identity is None or identity.is_closed:
            return identity
        if repeated := identity.repeat_login(code.challenge.id, request_id, now):
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
        sessions.issue_tokens(identity.id, session, now),
        next((token for token in issued if token.device_id in devices), None),
    )
