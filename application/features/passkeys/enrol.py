"""Add passkeys and remove them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.features.console.sign_in import ConsoleUser, is_open_staff
from application.features.passkeys.ports import InvalidPasskeyResponse, RelyingParty
from application.features.passkeys.sign_in import (
    Challenges,
    PasskeyAdded,
    PasskeyFailed,
    PasskeyRemoved,
)
from application.otp.send_notice import SendNotice
from application.ports.identities import Identities
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords, Versioned
from application.tasks import start_task
from application.update import change
from domain.administration.audit import AuditAction
from domain.errors import FreshLoginRequired, PasskeyRequired, Unauthenticated, UserNotFound
from domain.features.passkeys import (
    SECRET_BYTES,
    InvitationNotValid,
    LastPasskey,
    PasskeyExists,
    PasskeyInvitation,
    PasskeyNotFound,
    PasskeyPurpose,
    PasskeyRejected,
    TooManyPasskeys,
    find_invitation_id,
    parse_passkey_name,
)
from domain.identities.identity import Identity
from domain.identities.passkey import MAX_PASSKEYS, Passkey
from domain.identities.phone_change import PhoneNotice
from domain.otp.test_otps import TestOtps
from domain.secret_hash import hash_secret

INVITE: Final = Act(
    name="passkey-invite",
    action=AuditAction.INVITE_PASSKEY,
    does="Let somebody of the staff add a passkey",
    needs_reason=True,
)
REMOVE: Final = Act(
    name="passkey-remove",
    action=AuditAction.REMOVE_PASSKEY,
    does="Remove a passkey of somebody who lost it",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePasskeys:
    """Remove passkeys. The console sessions that they opened end at the next request."""

    identities: Identities
    act: ActForUsers
    clock: Clock
    events: SecurityEvents
    are_required: bool

    async def own(self, user: ConsoleUser, passkey_id: str) -> Passkey:
        """Remove one's own passkey, in a session that a passkey opened within 15 minutes.

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
        self._record(identity, [passkey], "by the owner")
        return passkey

    async def of_user(
        self, operator: Operator, query: UserQuery, named: str | None, reason: str
    ) -> Sequence[Passkey]:
        """Remove a passkey of somebody by its name or id; None for all.

        Raises:
            Forbidden, TooShort, UserNotFound, AuditFailed, StorageError: See `ActForUsers`.
        """

        def remove(identity: Identity) -> tuple[Identity, tuple[Identity, Sequence[Passkey]]]:
            removed = _find(identity, named)
            staff = identity.staff.remove_passkeys(*[each.id for each in removed])
            changed = replace(identity, staff=staff)
            return changed.end_console_sessions(), (identity, removed)

        user = await self.act.find(operator, REMOVE, query, reason)
        found = user.require_identity()
        _find(found, named)
        async with self.act.record_act(operator.actor, REMOVE.action, found.id, reason):
            identity, removed = await change(
                self.identities, found.id, remove, missing=UserNotFound
            )
        self._record(identity, removed, "by an operator")
        return removed

    def _record(self, identity: Identity, removed: Sequence[Passkey], reason: str) -> None:
        for passkey in removed:
            self.events.record(
                PasskeyRemoved(
                    phone=identity.phone, user_id=identity.id, passkey_id=passkey.id, reason=reason
                )
            )


def _find(identity: Identity, named: str | None) -> Sequence[Passkey]:
    """Return the passkeys of a name or id, or all; raises PasskeyNotFound if there is none."""
    found = [
        each for each in identity.staff.passkeys if named is None or named in (each.id, each.name)
    ]
    if not found:
        raise PasskeyNotFound
    return found
