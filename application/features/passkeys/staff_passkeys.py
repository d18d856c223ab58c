"""Add passkeys of the staff, and remove one's own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import Act
from application.administration.find_user import UserQuery
from application.administration.operator import Operator, staff_member
from application.features.passkeys.check_answer import (
    Challenges,
    RelyingParty,
    VerifyNewPasskey,
)
from application.features.passkeys.console_session import (
    Browser,
    ConsoleSignedIn,
    OpenConsoleSession,
)
from application.features.passkeys.events import PasskeyRemoved, TellingEvent
from application.features.passkeys.notices import PasskeyNotices
from application.features.passkeys.touch import Touch
from application.ports.identities import Identities
from application.ports.limits import LimitStore
from application.ports.system import Clock, Randomness
from application.principal import Principal
from application.update import change
from domain.administration.audit import Actor, ActorKind, AuditAction
from domain.administration.scopes import Scope
from domain.errors import Unauthenticated, UserNotFound
from domain.features.passkeys import (
    LINK_TTL,
    SECRET_BYTES,
    STAFF_ADDED_IN_DAY,
    HasStaffPasskey,
    InvitationNotValid,
    LastPasskey,
    NotStaff,
    PasskeyNotFound,
    PasskeyPurpose,
    TooManyPasskeysAdded,
    TouchPurpose,
    check_number,
    check_room,
    find_invitation,
    find_invited,
    is_open_staff,
    limits_of_added,
    limits_of_notice,
    make_link,
    parse_passkey_name,
)
from domain.identifier import hash_secret
from domain.identities.identity import Identity
from domain.identities.passkey import check_passkey_name, find_passkey
from domain.identities.phone_change import PhoneNotice
from domain.identities.role import Invitation
from domain.otp.fixed_codes import FixedCodes
from domain.otp.rate_limits import LimitPurpose, RateLimit
from domain.otp.sliding_window import whole_seconds


@dataclass(frozen=True, kw_only=True)
class ConsolePasskeyAdded(TellingEvent):
    """Somebody of the staff added a passkey. The reason says how."""

    name = "console_passkey_added"
    is_warning = True


INVITE: Final = Act(
    name="passkey-invite",
    action=AuditAction.INVITE_PASSKEY,
    scope=Scope.CHANGE_ROLES,
    needs_reason=True,
)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """The response of an authenticator that made a passkey, and what its owner calls it."""

    response: str
    name: str


@dataclass(frozen=True, slots=True)
class PasskeyOptions:
    """What `navigator.credentials.create` gets, as JSON, and for whom the passkey is."""

    options: str
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPasskeys:
    """Passkeys of the staff: added by a link, or in a session of the console by a touch.

    - A link is used when the answer was verified: a browser that fails can try again while it is
      valid. A new one ends the one before. Of two at once, one adds a passkey.
    - A new passkey ends all other sessions of the console, and opens one.
    - Each is in the audit before it is added or removed. At most ten are added in a day.
    - The number gets a message. Without a permit for it, the event says that it was left out.
    """

    relying_party: RelyingParty
    page_url: str
    challenges: Challenges
    verify: VerifyNewPasskey
    touch: Touch
    open_session: OpenConsoleSession
    identities: Identities
    act: ActForUsers
    limit_store: LimitStore
    fixed_codes: FixedCodes
    clock: Clock
    randomness: Randomness
    notices: PasskeyNotices
    are_required: bool

    async def invite(
        self, operator: Operator, query: UserQuery, reason: str, ttl: timedelta = LINK_TTL
    ) -> str:
        """Return a link to the page of the console.

        Raises:
            NotStaff, TooManyPasskeys
            HasStaffPasskey: A person makes a link only for people without a passkey. Otherwise an
                administrator would become a colleague.
        """
        user = await self.act.find(operator, INVITE, query, reason)
        identity = user.require_identity()
        self._check_invited(operator, identity)
        link = make_link(identity.id, self.randomness.bytes(SECRET_BYTES))
        actor = operator.actor
        invitation = Invitation(
            hash_secret(link), self.clock.now() + ttl, made_by=f"{actor.kind}:{actor.id}"
        )

        def invite(current: Identity) -> tuple[Identity, None]:
            self._check_invited(operator, current)
            return replace(current, staff=replace(current.staff, invitation=invitation)), None

        async with self.act.record_act(actor, INVITE.action, identity.id, reason):
            await change(self.identities, identity.id, invite, missing=UserNotFound)
        return f"{self.page_url}#{link}"

    async def invite_in_session(
        self, principal: Principal, touch: str | None, query: UserQuery, reason: str
    ) -> str:
        """Return a link that somebody of the staff makes in a session of the console.

        Raises:
            TouchRequired, PasskeyRejected, ChallengeNotValid: See `Touch`.
        """
        operator = staff_member(principal)
        user = await self.act.find(operator, INVITE, query, reason)
        self._check_invited(operator, user.require_identity())
        touched = await self.touch(principal, TouchPurpose.INVITE, touch)
        await self.touch.save(touched, principal)
        return await self.invite(operator, query, reason)

    def _check_invited(self, operator: Operator, identity: Identity) -> None:
        operator.check_identity(identity)
        if not is_open_staff(identity, self.fixed_codes):
            raise NotStaff
        if identity.staff_passkeys and not operator.runs_command:
            raise HasStaffPasskey
        check_number(identity.staff_passkeys)

    async def start_by_link(self, link: str) -> PasskeyOptions:
        """Return the options for a passkey.

        Raises:
            InvitationNotValid, TooManyPasskeys
        """
        identity = await self._load_invited(link)
        return self._make_options(identity, hash_secret(link))

    def start_in_session(self, principal: Principal) -> PasskeyOptions:
        """Return the options for another passkey; raises TooManyPasskeys."""
        return self._make_options(principal.identity, principal.session.id)

    def _make_options(self, identity: Identity, proof: str) -> PasskeyOptions:
        check_number(identity.staff_passkeys)
        challenge = self.challenges.make(
            PasskeyPurpose.ADD_OF_STAFF, _subject_of(identity.id, proof)
        )
        name = identity.username.text if identity.username else identity.id
        known = [passkey.credential_id for passkey in identity.staff_passkeys]
        options = self.relying_party.creation_options(identity.id, name, challenge, known)
        return PasskeyOptions(options, identity)

    async def add_by_link(self, link: str, new: NewPasskey, browser: Browser) -> ConsoleSignedIn:
        """Add a passkey, and open a session of the console.

        Raises:
            InvitationNotValid, NewPasskeyRejected, ChallengeNotValid, ConflictingValue
            PasskeyExists, TooManyPasskeys, TooManyPasskeysAdded, AuditFailed
        """
        identity = await self._load_invited(link)
        made_by = self._find_invitation(link, identity).made_by

        def prepare(current: Identity) -> Identity:
            self._find_invitation(link, current)
            return current

        return await self._add(
            identity,
            hash_secret(link),
            new,
            browser,
            prepare,
            f"by a link of {made_by}",
        )

    async def add_in_session(
        self,
        principal: Principal,
        touch: str | None,
        new: NewPasskey,
        browser: Browser,
    ) -> ConsoleSignedIn:
        """Add another passkey, end all sessions of the console, and open one.

        Raises:
            TouchRequired, PasskeyRejected, NewPasskeyRejected, ChallengeNotValid
            ConflictingValue
            PasskeyExists, TooManyPasskeys, TooManyPasskeysAdded, AuditFailed
        """
        _parse_name(principal.identity, new.name)
        purpose = TouchPurpose.ADD_PASSKEY
        touched = await self.touch(principal, purpose, touch)
        return await self._add(
            principal.identity,
            principal.session.id,
            new,
            browser,
            lambda current: self.touch.record_use(touched, principal, current),
            f"by the passkey {touched.passkey.id}",
        )

    async def _add(
        self,
        identity: Identity,
        proof: str,
        new: NewPasskey,
        browser: Browser,
        prepare: Callable[[Identity], Identity],
        how: str,
    ) -> ConsoleSignedIn:
        name = _parse_name(identity, new.name)
        subject = _subject_of(identity.id, proof)
        made = await self.verify(
            self.relying_party, new.response, PasskeyPurpose.ADD_OF_STAFF, subject, identity, name
        )
        passkey = replace(made, is_staff=True, rp_id=self.relying_party.rp_id)
        check_room(identity, identity.staff_passkeys, passkey)
        await self._count_added(identity.id)
        session, cookie = self.open_session.start(browser)

        def add(current: Identity) -> tuple[Identity, Identity]:
            prepared = prepare(current)
            check_room(prepared, prepared.staff_passkeys, passkey)
            changed = prepared.add_passkey(passkey).add_session(session)
            return changed, changed

        reason = f"passkey {passkey.id} for the console, {how}"
        async with self.act.record_act(
            _actor(identity), AuditAction.ADD_PASSKEY, identity.id, reason
        ):
            identity = await change(self.identities, identity.id, add, missing=InvitationNotValid)
        added = ConsolePasskeyAdded(
            phone=identity.phone, user_id=identity.id, passkey_id=passkey.id, reason=how
        )
        notice, limits = PhoneNotice.CONSOLE_PASSKEY_ADDED, limits_of_added(identity.id)
        await self.notices.tell(identity.phone, notice, limits, added)
        return self.open_session.finish(identity, session, cookie)

    async def remove(
        self,
        principal: Principal,
        passkey_id: str,
        touch: str | None,
    ) -> None:
        """Remove one's own. All sessions of the console end.

        Raises:
            TouchRequired, PasskeyRejected, ChallengeNotValid
            PasskeyNotFound, LastPasskey, AuditFailed
        """
        self._check_removed(principal.identity, passkey_id)
        purpose = TouchPurpose.REMOVE_PASSKEY
        touched = await self.touch(principal, purpose, touch)

        def remove(current: Identity) -> tuple[Identity, None]:
            used = self.touch.record_use(touched, principal, current)
            self._check_removed(used, passkey_id)
            return used.remove_passkeys(passkey_id), None

        identity = principal.identity
        reason = f"passkey {passkey_id} for the console, by the passkey {touched.passkey.id}"
        async with self.act.record_act(
            _actor(identity), AuditAction.REMOVE_PASSKEY, identity.id, reason
        ):
            await change(self.identities, identity.id, remove, missing=Unauthenticated)
        removed = PasskeyRemoved(
            phone=identity.phone,
            user_id=identity.id,
            passkey_id=passkey_id,
            reason="by the owner",
        )
        limits = limits_of_notice(identity.id)
        await self.notices.tell(identity.phone, PhoneNotice.PASSKEY_REMOVED, limits, removed)

    async def _count_added(self, identity_id: str) -> None:
        subject, now = f"identity:{identity_id}", self.clock.now()
        limit = RateLimit(subject, LimitPurpose.ACTS, "staff_passkeys_in_day", STAFF_ADDED_IN_DAY)
        available_at = await self.limit_store.acquire([limit], now)
        if available_at is not None:
            raise TooManyPasskeysAdded(whole_seconds(now, available_at))

    def _check_removed(self, identity: Identity, passkey_id: str) -> None:
        if find_passkey(identity.staff_passkeys, passkey_id) is None:
            raise PasskeyNotFound
        if self.are_required and len(identity.staff_passkeys) == 1:
            raise LastPasskey

    async def _load_invited(self, link: str) -> Identity:
        identity_id = find_invited(link)
        loaded = await self.identities.load(identity_id) if identity_id else None
        if loaded is None:
            raise InvitationNotValid
        self._find_invitation(link, loaded.value)
        return loaded.value

    def _find_invitation(self, link: str, identity: Identity) -> Invitation:
        invitation = find_invitation(identity, link, self.clock.now())
        if invitation is None or not is_open_staff(identity, self.fixed_codes):
            raise InvitationNotValid
        return invitation


def _parse_name(identity: Identity, text: str) -> str:
    name = parse_passkey_name(text)
    check_passkey_name(identity.passkeys, name)
    return name


def _subject_of(identity_id: str, proof: str) -> str:
    """Return what a challenge is for: the identity, in a session or by a link."""
    return f"{identity_id} {proof}"


def _actor(identity: Identity) -> Actor:
    return Actor(ActorKind.ADMINISTRATOR, identity.id, role=identity.staff.role)
