"""Ask the login hook about each login."""

from dataclasses import dataclass

from application.features.login_hook.ports import LoginHook, LoginInquiry
from application.identities.additions import AllowLogin, PendingLogin, RejectLogin
from application.ports.keyed_hashes import KeyedHashes
from application.ports.system import Clock


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
