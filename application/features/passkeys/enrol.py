"""Add a passkey by an invitation."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from application.features.console.authenticate import is_open_staff
from application.features.passkeys.challenges import Challenges
from application.features.passkeys.events import PasskeyAdded, PasskeyFailed
from application.features.passkeys.ports import (
    InvalidPasskeyResponse,
    RelyingParty,
)
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from application.tasks import start_task
from application.update import change
from domain.features.passkeys.challenge import PasskeyPurpose
from domain.features.passkeys.errors import (
    InvitationNotValid,
    PasskeyExists,
    PasskeyRejected,
    TooManyPasskeys,
)
from domain.features.passkeys.invitation import (
    SECRET_BYTES,
    PasskeyInvitation,
    find_invitation_id,
    parse_passkey_name,
)
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS, Passkey
from domain.identities.phone_change import PhoneNotice
from domain.otp.test_otps import TestOtps
from domain.secret_hash import hash_secret


@dataclass(frozen=True, slots=True)
class Invite:
    """Make the secret that lets an identity add one passkey."""

    invitations: ExpiringRecords[PasskeyInvitation]
    clock: Clock
    randomness: Randomness

    def check(self, identity: Identity) -> None:
        """Check that an identity may have one more.

        Raises:
            TooManyPasskeys
        """
        if len(identity.staff.passkeys) >= MAX_PASSKEYS:
            raise TooManyPasskeys

    async def __call__(self, identity: Identity, ttl: timedelta, passkey_id: str = "") -> str:
        """Return the secret, of which the hash is stored."""
        self.check(identity)
        secret, now = self.randomness.bytes(SECRET_BYTES).hex(), self.clock.now()
        invitation = PasskeyInvitation(
            id=hash_secret(secret),
            identity_id=identity.id,
            session_version=identity.session_version,
            passkey_id=passkey_id,
            created_at=now,
            expires_at=now + ttl,
        )
        await self.invitations.add(invitation)
        return secret


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolPasskey:
    """Add the passkey that an authenticator made for an invitation.

    - The invitation is used when the response was verified: a browser that fails can try again
      while it is valid. Of two at once, one adds a passkey.
    - The number gets a message, in a task of its own: a browser that closes does not stop it.
    """

    challenges: Challenges
    invitations: ExpiringRecords[PasskeyInvitation]
    identities: Identities
    test_otps: TestOtps
    clock: Clock
    events: SecurityEvents
    send_notice: SendNotice | None

    async def start(self, relying_party: RelyingParty, secret: str) -> str:
        """Return what `navigator.credentials.create` gets, as JSON.

        Raises:
            TooManyPasskeys
        """
        invitation, identity = await self._find(secret)
        if len(identity.staff.passkeys) >= MAX_PASSKEYS:
            raise TooManyPasskeys
        challenge = await self.challenges.make(PasskeyPurpose.ENROL, invitation.value.id)
        name = identity.username.text if identity.username else identity.id
        known = [passkey.credential_id for passkey in identity.staff.passkeys]
        return relying_party.creation_options(identity.id, name, challenge, known)

    async def __call__(
        self,
        relying_party: RelyingParty,
        secret: str,
        response: str,
        name: str,
        locale: str | None,
    ) -> tuple[Identity, Passkey]:
        """Add the passkey, and return the identity as it is now.

        Raises:
            InvitationNotValid
            PasskeyRejected: The response is not verified.
        """
        name = parse_passkey_name(name)
        invitation, identity = await self._find(secret)
        identity.staff.check_passkey_name(name)
        try:
            challenge = relying_party.read_creation(response)
            await self.challenges.use(challenge, PasskeyPurpose.ENROL, invitation.value.id)
            created = relying_party.verify_creation(response, challenge)
        except InvalidPasskeyResponse as error:
            self.events.record(PasskeyFailed(user_id=identity.id, reason=f"not added: {error}"))
            raise PasskeyRejected from None
        now = self.clock.now()
        passkey = Passkey(
            credential_id=created.credential_id,
            public_key=created.public_key,
            sign_count=created.sign_count,
            name=name,
            created_at=now,
        )
        _check_room(identity, passkey)
        if not await self.invitations.delete(invitation.value.id, invitation.version):
            raise InvitationNotValid
        changed = await self._add(invitation.value, passkey, now)
        self.events.record(
            PasskeyAdded(
                phone=changed.phone,
                user_id=changed.id,
                passkey_id=passkey.id,
                reason="another passkey was used" if invitation.value.passkey_id else "a link",
            )
        )
        if self.send_notice is not None and changed.phone is not None:
            notice = self.send_notice(changed.phone, PhoneNotice.PASSKEY_ADDED, locale)
            start_task("send_passkey_notice", notice)
        return changed, passkey

    async def _find(self, secret: str) -> tuple[Versioned[PasskeyInvitation], Identity]:
        invitation_id = find_invitation_id(secret)
        invitation = await self.invitations.load(invitation_id) if invitation_id else None
        if invitation is None:
            raise InvitationNotValid
        loaded = await self.identities.load(invitation.value.identity_id)
        if loaded is None:
            raise InvitationNotValid
        self._check_admitted(invitation.value, loaded.value)
        return invitation, loaded.value

    async def _add(
        self, invitation: PasskeyInvitation, passkey: Passkey, now: datetime
    ) -> Identity:
        def add(identity: Identity) -> tuple[Identity, Identity]:
            self._check_admitted(invitation, identity)
            _check_room(identity, passkey)
            changed = identity.add_passkey(passkey).mark_used(now)
            return changed, changed

        return await change(
            self.identities, invitation.identity_id, add, missing=InvitationNotValid
        )

    def _check_admitted(self, invitation: PasskeyInvitation, identity: Identity) -> None:
        is_open = is_open_staff(identity, self.test_otps)
        if not is_open or not invitation.admits(identity, self.clock.now()):
            raise InvitationNotValid


def _check_room(identity: Identity, passkey: Passkey) -> None:
    if identity.staff.find_passkey(passkey.id) is not None:
        raise PasskeyExists
    if len(identity.staff.passkeys) >= MAX_PASSKEYS:
        raise TooManyPasskeys
