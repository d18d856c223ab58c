"""Add passkeys of the staff and remove them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application.administration.acts import Act
from application.features.console.sign_in import ConsoleUser, is_open_staff
from application.features.passkeys.check_answer import Challenges, VerifyNewPasskey
from application.features.passkeys.events import PasskeyRemoved
from application.features.passkeys.ports import RelyingParty
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvent, SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from application.tasks import start_task
from application.update import change
from domain.administration.audit import AuditAction
from domain.errors import FreshLoginRequired, PasskeyRequired, Unauthenticated
from domain.features.passkeys import (
    PasskeyNotFound,
    PasskeyPurpose,
    check_number,
    check_room,
    parse_passkey_name,
)
from domain.features.staff_passkeys import (
    SECRET_BYTES,
    InvitationNotValid,
    LastPasskey,
    PasskeyInvitation,
    find_invitation_id,
)
from domain.identities.identity import Identity
from domain.identities.passkey import Passkey, check_passkey_name
from domain.identities.phone_change import PhoneNotice
from domain.otp.test_otps import TestOtps
from domain.phone import PhoneNumber
from domain.secret_hash import hash_secret


@dataclass(frozen=True, kw_only=True)
class ConsolePasskeyAdded(SecurityEvent):
    """Somebody of the staff added a passkey. The reason says by which invitation."""

    name = "console_passkey_added"
    is_warning = True
    phone: PhoneNumber | None
    user_id: str
    passkey_id: str
    reason: str


INVITE: Final = Act(
    name="passkey-invite",
    action=AuditAction.INVITE_PASSKEY,
    does="Let somebody of the staff add a passkey",
    needs_reason=True,
)


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
        check_number(identity.staff.passkeys)

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
    verify: VerifyNewPasskey
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
        check_number(identity.staff.passkeys)
        challenge = self.challenges.make(PasskeyPurpose.ENROL, invitation.value.id)
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
        check_passkey_name(identity.all_passkeys, name)
        passkey = await self.verify(
            relying_party, response, PasskeyPurpose.ENROL, invitation.value.id, identity, name
        )
        check_room(identity, identity.staff.passkeys, passkey)
        if not await self.invitations.delete(invitation.value.id, invitation.version):
            raise InvitationNotValid
        changed = await self._add(invitation.value, passkey)
        self.events.record(
            ConsolePasskeyAdded(
                phone=changed.phone,
                user_id=changed.id,
                passkey_id=passkey.id,
                reason="another passkey was used" if invitation.value.passkey_id else "a link",
            )
        )
        if self.send_notice is not None and changed.phone is not None:
            notice = self.send_notice(changed.phone, PhoneNotice.CONSOLE_PASSKEY_ADDED, locale)
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

    async def _add(self, invitation: PasskeyInvitation, passkey: Passkey) -> Identity:
        def add(identity: Identity) -> tuple[Identity, Identity]:
            self._check_admitted(invitation, identity)
            check_room(identity, identity.staff.passkeys, passkey)
            changed = identity.add_console_passkey(passkey).mark_used(passkey.created_at)
            return changed, changed

        return await change(
            self.identities, invitation.identity_id, add, missing=InvitationNotValid
        )

    def _check_admitted(self, invitation: PasskeyInvitation, identity: Identity) -> None:
        is_open = is_open_staff(identity, self.test_otps)
        if not is_open or not invitation.admits(identity, self.clock.now()):
            raise InvitationNotValid


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOwnStaffPasskey:
    """Remove one's own passkey, in a session that a passkey opened within 15 minutes.

    The console sessions that it opened end at the next request.
    """

    identities: Identities
    clock: Clock
    events: SecurityEvents
    are_required: bool

    async def __call__(self, user: ConsoleUser, passkey_id: str) -> Passkey:
        """Remove the passkey.

        Raises:
            PasskeyRequired: A code opened the session.
            FreshLoginRequired
            PasskeyNotFound
            LastPasskey: All staff needs one.
        """
        if user.session.passkey_id is None:
            raise PasskeyRequired
        if not user.session.is_fresh(self.clock.now()):
            raise FreshLoginRequired

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Passkey]]:
            passkey = identity.staff.find_passkey(passkey_id)
            if passkey is None:
                raise PasskeyNotFound
            if self.are_required and len(identity.staff.passkeys) == 1:
                raise LastPasskey
            staff = identity.staff.remove_passkeys(passkey.id)
            return replace(identity, staff=staff), (identity, passkey)

        identity, passkey = await change(
            self.identities, user.session.identity_id, remove, missing=Unauthenticated
        )
        self.events.record(
            PasskeyRemoved(
                phone=identity.phone,
                user_id=identity.id,
                passkey_id=passkey.id,
                reason="by the owner",
            )
        )
        return passkey
