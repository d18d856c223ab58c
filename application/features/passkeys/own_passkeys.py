"""Add passkeys to one's own account, and remove them."""

from collections.abc import Callable
from dataclasses import dataclass

from application.features.passkeys.check_answer import Challenges, RelyingParty, VerifyNewPasskey
from application.features.passkeys.events import PasskeyAdded, PasskeyRemoved
from application.features.passkeys.notices import PasskeyNotices
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.principal import Principal
from application.record_act import RecordAct
from application.update import change
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.errors import Forbidden, FreshLoginRequired, Unauthenticated
from domain.features.passkeys import (
    PasskeyNotFound,
    PasskeyPurpose,
    check_number,
    check_room,
    limits_of_notice,
    make_passkey_name,
    make_user_handle,
)
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey, check_passkey_name, find_passkey
from domain.identities.phone_change import PhoneNotice
from domain.otp.fixed_codes import FixedCodes
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPasskeys:
    """Add passkeys to the principal's account, and remove them.

    - It needs a fresh login, and the challenge of a new one is for this identity in this session.
    - Each costs a message to the number. Without a permit for it none is added; a removal goes on.
    - A number with a fixed code has none: many may know the code.
    """

    relying_party: RelyingParty
    challenges: Challenges
    verify: VerifyNewPasskey
    identities: Identities
    record_act: RecordAct
    fixed_codes: FixedCodes
    clock: Clock
    events: SecurityEvents
    notices: PasskeyNotices

    def start(self, principal: Principal) -> str:
        """Return what `navigator.credentials.create` gets, as JSON.

        Raises:
            FreshLoginRequired
            Forbidden: The number has a fixed code.
            TooManyPasskeys
        """
        identity, phone = principal.identity, self._check(principal)
        check_number(identity.app_passkeys)
        challenge = self.challenges.make(PasskeyPurpose.ADD, _subject_of(principal))
        # Its owner sees it where the device lists passkeys.
        name = identity.username.text if identity.username else phone.e164
        known = [passkey.credential_id for passkey in identity.app_passkeys]
        handle = make_user_handle(identity.id)
        return self.relying_party.creation_options(handle, name, challenge, known)

    async def add(
        self,
        principal: Principal,
        response: str,
        name: str | None,
        device: str | None,
    ) -> Passkey:
        """Add the passkey that an authenticator made. Without a name it gets that of the device.

        Raises:
            FreshLoginRequired
            Forbidden: The number has a fixed code.
            ConflictingValue: Another passkey has this name.
            NewPasskeyRejected, ChallengeNotValid, PasskeyExists, TooManyPasskeys
            TooManyPasskeysAdded
            CountryNotServed: The number would get no message.
        """
        identity, phone = principal.identity, self._check(principal)
        name = name or make_passkey_name(device, identity.passkeys)
        check_passkey_name(identity.passkeys, name)
        subject = _subject_of(principal)
        passkey = await self.verify(
            self.relying_party, response, PasskeyPurpose.ADD, subject, identity, name
        )
        check_room(identity, identity.app_passkeys, passkey)

        def add(current: Identity) -> Identity:
            if current.find_session(principal.session.id, passkey.created_at) is None:
                raise Unauthenticated
            check_room(current, current.app_passkeys, passkey)
            return current.add_passkey(passkey)

        async with self.notices.permit_added(phone, identity.id, principal.session.id):
            told = await self._change(identity.id, AuditAction.ADD_PASSKEY, add)
        self.events.record(PasskeyAdded(phone=told, user_id=identity.id, passkey_id=passkey.id))
        if told is not None:
            self.notices.send(told, PhoneNotice.PASSKEY_ADDED)
        return passkey

    async def remove(self, principal: Principal, passkey_id: str) -> None:
        """Remove a passkey. Sessions it opened stay.

        Raises:
            FreshLoginRequired
            PasskeyNotFound
        """
        if not principal.has_fresh_login:
            raise FreshLoginRequired

        def remove(current: Identity) -> Identity:
            if find_passkey(current.app_passkeys, passkey_id) is None:
                raise PasskeyNotFound
            return current.remove_passkeys(passkey_id)

        remove(principal.identity)  # without an entry of the audit, if there is none
        user_id = principal.identity.id
        phone = await self._change(user_id, AuditAction.REMOVE_PASSKEY, remove)
        removed = PasskeyRemoved(
            phone=phone, user_id=user_id, passkey_id=passkey_id, reason="by the owner"
        )
        limits = limits_of_notice(user_id)
        await self.notices.tell(phone, PhoneNotice.PASSKEY_REMOVED, limits, removed)

    def _check(self, principal: Principal) -> PhoneNumber:
        if not principal.has_fresh_login:
            raise FreshLoginRequired
        phone = principal.identity.phone
        if phone is None:
            raise Unauthenticated
        if self.fixed_codes.includes(phone):
            raise Forbidden("A number with a test code has no passkeys.")
        return phone

    async def _change(
        self, user_id: str, action: AuditAction, act: Callable[[Identity], Identity]
    ) -> PhoneNumber | None:
        """Change the identity, with an entry of the audit, and return its number."""
        async with self.record_act(Actor(ActorKind.USER, user_id), action, user_id):
            return await change(
                self.identities,
                user_id,
                lambda current: (act(current), current.phone),
                missing=Unauthenticated,
            )


def _subject_of(principal: Principal) -> str:
    return f"{principal.identity.id} {principal.session.id}"
