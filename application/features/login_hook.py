"""The login hook: a program of the operator that decides about each login."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.identities.additions import AllowLogin, PendingLogin, RejectLogin
from application.ports.errors import PortError
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock


class LoginHookFailed(PortError):
    """The hook did not decide. The same login may succeed later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginInquiry:
    """What the hook gets to know of a login whose code or passkey is right.

    Attributes:
        id: 32 hex digits. It is the same if the hook is asked about the same code again.
        asked_at: When it is asked.
        user_id: The identity that gets the session; None for a new one.
        external_id: What another system calls that identity; None without one.
        channel: How the code was delivered, or `passkey`.
        country: The ISO code of the country of the phone.
        device: The name of the client's device, which the client chose; None without one.
        is_device_recognized: The device has logged in to this identity before.
        phone: In E.164, if the hook may know it.
    """

    id: str
    asked_at: datetime
    user_id: str | None
    external_id: str | None
    channel: str
    country: str
    device: str | None
    is_device_recognized: bool
    phone: str | None = None


class LoginHook(Protocol):
    """Decides about logins."""

    async def ask(self, inquiry: LoginInquiry) -> AllowLogin | RejectLogin:
        """Return the decision, within three seconds.

        The claims of an `AllowLogin` are JSON of up to 512 bytes.

        Raises:
            LoginHookFailed: There is none. The reason is for operators, and has no secret.
        """
        ...


@dataclass(frozen=True, slots=True)
class AskLoginHook:
    """Ask the hook about a login.

    - It gets no code. It gets the phone only if the operator has allowed that.
    - The id says nothing of the code, and is the same if the client sends the same code again.
    """

    hook: LoginHook
    keyed_hashes: KeyedHashes
    clock: Clock
    with_phone: bool

    async def __call__(self, login: PendingLogin) -> AllowLogin | RejectLogin:
        inquiry = LoginInquiry(
            id=self.keyed_hashes.hash_challenge(login.challenge_id),
            asked_at=self.clock.now(),
            user_id=login.user_id,
            external_id=login.external_id,
            channel=login.channel,
            country=login.phone.country,
            device=login.device,
            is_device_recognized=login.is_device_recognized,
            phone=login.phone.e164 if self.with_phone else None,
        )
        return await self.hook.ask(inquiry)
