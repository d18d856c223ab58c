"""The identity: made by the first successful verification of a phone, deleted by one write."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import ConflictingValue, Unauthenticated
from domain.identifier import require_identifier
from domain.identities.device_token import MAX_DEVICES, RecognizedDevice
from domain.identities.external_id import ExternalId
from domain.identities.passkey import Passkey
from domain.identities.phone_change import UNDO_PERIOD, PhoneChange, PhoneChangeStep
from domain.identities.role import Role
from domain.identities.session import MAX_SESSIONS, MAX_TOKEN_REPEATS, Session, TokenRepeat
from domain.identities.user_events import EventType, UserEvents
from domain.identities.username import Username
from domain.phone import PhoneNumber

USERNAME_HOLD_PERIOD: Final = timedelta(days=30)
UNVERIFIED_TTL: Final = timedelta(days=90)
"""How long an unverified identity is kept without a call or a login. Caller ids can be forged."""
ESTABLISHED_AGE: Final = timedelta(days=7)
"""How old an established identity is at least."""
ESTABLISHED_DAYS_OF_USE: Final = 3
"""On how many different days (UTC) an established identity was used."""


@dataclass(frozen=True, slots=True)
class User:
    """What an identity shows of itself."""

    username: Username
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UsedChallenge:
    """A challenge that opened a session. It is kept while its code could be sent again.

    The request that opened it is repeated by the same `request_id`, if it carried one; or by the
    same client IP, if it came by the legacy API, which has no ids.
    """

    id: str
    expires_at: datetime
    session_id: str | None = None
    request_id: str | None = None
    client_ip_hash: str | None = None

    def is_repeated_by(self, request_id: str | None, client_ip_hash: str | None) -> bool:
        """Return whether a request with the right code repeats the one that opened the session.

        Args:
            request_id: the id that the request carries, if any.
            client_ip_hash: the client IP, if the request came by the legacy API.
        """
        if request_id is not None:
            return request_id == self.request_id
        return client_ip_hash is not None and client_ip_hash == self.client_ip_hash


@dataclass(frozen=True, slots=True)
class Consent:
    """What a caller agreed to by staying on the line: the wording that was read, and when.

    Nobody proved to be the owner of the phone.
    """

    wording: str
    language: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a phone, with the sessions. A consistency boundary.

    - A deleted identity shows nothing, has no sessions, and its id is never used again. It keeps
      its phone until the cleanup purges it, and its username for `USERNAME_HOLD_PERIOD`, so that
      nobody can take over the name at once.
    - A blocked identity has no sessions and gets none. Everything else stays as it is.
    - A recognized device outlives its session: an ordinary logout keeps it. Whoever revokes
      sessions from elsewhere revokes their devices as well, in the same write: if a phone
      verification had the devices, a login between two writes could keep one.
    - A detached identity had a phone that was recycled, or disowned by its owner. It has no
      username, sessions or devices, and gets none until an operator restores it.
    - `days_of_use` counts the days with a login or the use of a session, up to three.
    - A challenge opens at most one session. Nothing removes its record before it expires.
    - `claims` are what the backend of the app adds to its tokens: JSON in a text, empty for none. A
      deleted identity has none.
    - `external_id` is what another system calls it. An import, a backend or an administrator sets
      it. No two have the same one; a deleted identity has none.
    - `imported_at` is when an import made it, or took it over from a caller: no other is completed
      by an import.
    - `was_blocked_by_import` keeps a repeat from blocking it again after an operator unblocked it.
    - `events` of a user are what the backend of the app is told. The write that changes the user
      records the event too.
    - `phone_change` is a change of its phone under way. `undo_deadlines` are the times until which
      earlier changes can be undone, the next first. After an undo no other change is possible until
      `phone_change_allowed_at`.
    - `role_given_after` is the deadline of the last change before the role was given, if there was
      one: an undo of it, or of an earlier one, takes the account from who got the role.
    - `token_repeats` are the latest refresh tokens that came twice, from two networks. They are
      kept after the end of their session, which may end because the token was stolen.
    - `session_version` changes whenever all sessions end, or all but one, and with the role. So
      what is kept apart from the identity, such as sessions of the console, ends too.
    - `passkeys` are those of somebody of the staff, at most ten. They end with the role.
    - A caller who joined by phone is an unverified identity until the first login. The login adds
      no consent, role or trust: `consent` stays what an unproven caller agreed to.
    """

    id: str
    phone: PhoneNumber | None
    created_at: datetime
    role: Role = Role.MEMBER
    role_given_after: datetime | None = None
    user: User | None = None
    sessions: tuple[Session, ...] = ()
    devices: tuple[RecognizedDevice, ...] = ()
    used_challenges: tuple[UsedChallenge, ...] = ()
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None
    days_of_use: int = 0
    is_verified: bool = True
    consent: Consent | None = None
    external_id: ExternalId | None = None
    claims: str = ""
    imported_at: datetime | None = None
    was_blocked_by_import: bool = False
    phone_change: PhoneChange | None = None
    undo_deadlines: tuple[datetime, ...] = ()
    phone_change_allowed_at: datetime | None = None
    events: UserEvents = UserEvents()
    session_version: int = 0
    token_repeats: tuple[TokenRepeat, ...] = ()
    passkeys: tuple[Passkey, ...] = ()

    def __post_init__(self) -> None:
        """Reject an id from elsewhere.

        Raises:
            InvalidIdentifier
        """
        require_identifier(self.id)

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted."""
        return self.deleted_at is not None

    @property
    def expires_at(self) -> datetime | None:
        """When the cleanup changes it next; None if it does not.

        It deletes an unverified identity that nobody used until then, and forgets the challenges
        that a deleted one has used.
        """
        if self.is_deleted:
            return max((used.expires_at for used in self.used_challenges), default=None)
        if self.is_verified:
            return None
        return (self.last_used_at or self.created_at) + UNVERIFIED_TTL

    @property
    def is_closed(self) -> bool:
        """Whether it is deleted or detached: its phone may get another identity."""
        return self.is_deleted or self.detached_at is not None

    def require_open(self) -> "Identity":
        """Return the identity, unless it is closed.

        Raises:
            Unauthenticated
        """
        if self.is_closed:
            raise Unauthenticated
        return self

    @property
    def is_blocked(self) -> bool:
        """Whether nobody can log in to it."""
        return self.blocked_at is not None

    @property
    def is_staff(self) -> bool:
        """Whether it has a role, and so some right over others."""
        return self.role.is_staff

    @property
    def is_administrator(self) -> bool:
        """Whether it may do everything for others."""
        return self.role is Role.ADMINISTRATOR

    @property
    def staff_role(self) -> Role | None:
        """Its role if that is one of the staff, for the index of these."""
        return self.role if self.is_staff else None

    @property
    def phone_change_attempted_at(self) -> datetime | None:
        """When a step of the change under way was attempted last, for the index of such changes."""
        return self.phone_change.attempted_at if self.phone_change else None

    @property
    def next_send_at(self) -> datetime | None:
        """When an event is sent next, for the index of unsent events."""
        return self.events.next_send_at

    @property
    def events_failed_at(self) -> datetime | None:
        """When the first destination gave up on its events, for the index of such identities."""
        return self.events.failed_at

    def record_event(self, event_type: EventType, now: datetime) -> "Identity":
        """Return the identity with an event, if it is a user: others are no concern of the app."""
        if self.user is None:
            return self
        return replace(self, events=self.events.record(event_type, now))

    @property
    def all_phones(self) -> frozenset[PhoneNumber]:
        """Its phone, and those of a change under way."""
        change = self.phone_change
        phones = {self.phone, *((change.new_phone, change.old_phone) if change else ())}
        return frozenset(phone for phone in phones if phone is not None)

    def owns(self, phone: PhoneNumber) -> bool:
        """Return whether a phone is its own, or is part of a change under way."""
        return phone in self.all_phones

    def is_open_owner(self, phone: PhoneNumber) -> bool:
        """Return whether a phone is its own, and it is neither deleted nor detached."""
        return not self.is_closed and self.owns(phone)

    def is_undo_possible(self, undo_until: datetime | None) -> bool:
        """Return whether the change can be undone that has this deadline. It may be in the past."""
        return not self.is_closed and undo_until in self.undo_deadlines

    @property
    def username(self) -> Username | None:
        """The name of its user, or None."""
        return self.user.username if self.user else None

    @property
    def username_key(self) -> str | None:
        """The key that no other identity may have, or None."""
        return self.user.username.key if self.user else None

    @property
    def staff_look_alike_key(self) -> str | None:
        """The key that finds look-alikes of its name, or None without a role."""
        return self.user.username.look_alike_key if self.is_staff and self.user else None

    def keeps(self, username: Username) -> bool:
        """Return whether nobody else may get a name: it has a role, and a name like this one."""
        return self.staff_look_alike_key in username.look_alike_keys

    def active_sessions(self, now: datetime) -> tuple[Session, ...]:
        """Return the sessions that have not expired."""
        if self.is_deleted or self.is_blocked:
            return ()
        return tuple([session for session in self.sessions if now < session.ends_at])

    def find_session(self, session_id: str, now: datetime) -> Session | None:
        """Return the active session with this id, or None."""
        active = self.active_sessions(now)
        return next((session for session in active if session.id == session_id), None)

    def is_unused(self, now: datetime, period: timedelta) -> bool:
        """Return whether nobody logged in or used a session for this long, give or take a day."""
        times = [self.created_at, *(session.last_seen_at for session in self.sessions)]
        times += [self.last_used_at or self.created_at]
        return now - max(times) >= period

    def counts_day(self, now: datetime) -> bool:
        """Return whether a use now is the first of a day that counts."""
        if self.days_of_use >= ESTABLISHED_DAYS_OF_USE:
            return False
        # Before the first day `last_used_at` is that of a call, which counts no day.
        last_used_at = self.last_used_at if self.days_of_use else None
        return last_used_at is None or now.date() > last_used_at.date()

    def is_established(self, now: datetime) -> bool:
        """Return whether its phone may use the reserve of the limits that many phones share."""
        is_old = now - self.created_at > ESTABLISHED_AGE
        return is_old and self.days_of_use >= ESTABLISHED_DAYS_OF_USE and not self.is_closed

    @property
    def has_signed_in(self) -> bool:
        """Whether its owner has signed in to the app."""
        return self.days_of_use > 0

    def has_used(self, challenge_id: str) -> bool:
        """Return whether this challenge opened a session."""
        return any(used.id == challenge_id for used in self.used_challenges)

    def add_session(self, session: Session, used: UsedChallenge | None = None) -> "Identity":
        """Return the identity with this session, and with the challenge that opened it.

        Above `MAX_SESSIONS` the oldest session is revoked.
        """
        now = session.created_at
        sessions = [earlier for earlier in self.sessions if now < earlier.ends_at]
        challenges = [earlier for earlier in self.used_challenges if now < earlier.expires_at]
        return replace(
            self,
            sessions=(*sessions, session)[-MAX_SESSIONS:],
            used_challenges=(*challenges, used) if used else tuple(challenges),
            token_repeats=self.current_token_repeats(now),
            last_used_at=now,
            days_of_use=self.days_of_use + self.counts_day(now),
            is_verified=True,
        )

    def repeat_login(
        self,
        challenge_id: str,
        request_id: str | None,
        client_ip_hash: str | None,
        now: datetime,
    ) -> "tuple[Identity, Session] | None":
        """Return the identity and the session after a client repeated the login of a challenge.

        None unless it is the same request (`UsedChallenge.is_repeated_by`), soon, while the session
        is unused.
        """
        for used in self.used_challenges:
            is_same = used.id == challenge_id and used.is_repeated_by(request_id, client_ip_hash)
            if is_same and used.session_id:
                session = self.find_session(used.session_id, now)
                repeated = session and session.repeat_login(now)
                if repeated is not None:
                    return self.replace_session(repeated), repeated
        return None

    def find_device(self, device_id: str, now: datetime) -> RecognizedDevice | None:
        """Return the recognized device with this id, or None."""
        if not self.is_deleted and not self.is_blocked:
            for device in self.devices:
                if device.id == device_id and now < device.expires_at:
                    return device
        return None

    def add_device(self, added: RecognizedDevice, now: datetime) -> "Identity":
        """Return the identity with this device. Above `MAX_DEVICES` the oldest is dropped."""
        kept = [
            device for device in self.devices if device.id != added.id and now < device.expires_at
        ]
        return replace(self, devices=(*kept, added)[-MAX_DEVICES:])

    def find_passkey(self, passkey_id: str) -> Passkey | None:
        """Return the passkey with this short id, or None."""
        return next((passkey for passkey in self.passkeys if passkey.id == passkey_id), None)

    def check_passkey_name(self, name: str) -> None:
        """Check that no passkey has this name; raises ConflictingValue."""
        if any(each.name == name for each in self.passkeys):
            raise ConflictingValue("Another passkey has this name. Choose a different one.")

    def add_passkey(self, passkey: Passkey) -> "Identity":
        """Return the identity with this passkey, and without its console sessions and devices.

        Raises:
            ConflictingValue: Another one has this name.
        """
        self.check_passkey_name(passkey.name)
        return replace(self, passkeys=(*self.passkeys, passkey)).end_console_sessions()

    def end_console_sessions(self) -> "Identity":
        """Return the identity without sessions and devices of the console. Those of apps stay."""
        return replace(self, session_version=self.session_version + 1)

    def use_passkey(self, used: Passkey) -> "Identity":
        """Return the identity with this passkey in place of the one with the same id."""
        passkeys = tuple(used if each.id == used.id else each for each in self.passkeys)
        return replace(self, passkeys=passkeys)

    def remove_passkeys(self, *ids: str) -> "Identity":
        """Return the identity without these passkeys."""
        kept = tuple(passkey for passkey in self.passkeys if passkey.id not in ids)
        return replace(self, passkeys=kept)

    def revoke_device_of(self, session_id: str) -> "Identity":
        """Return the identity without the device of this session."""
        return replace(
            self,
            devices=tuple(device for device in self.devices if device.session_id != session_id),
        )

    def replace_session(self, changed: Session) -> "Identity":
        """Return the identity with this session in place of the one with the same id."""
        sessions = tuple(
            changed if session.id == changed.id else session for session in self.sessions
        )
        if sessions == self.sessions:
            return self
        used_at = changed.last_seen_at
        return replace(
            self,
            sessions=sessions,
            last_used_at=max(self.last_used_at or self.created_at, used_at),
            days_of_use=self.days_of_use + self.counts_day(used_at),
        )

    def current_token_repeats(self, now: datetime) -> tuple[TokenRepeat, ...]:
        """Return the repeats of refresh tokens that are still shown, the earliest first."""
        return tuple([repeat for repeat in self.token_repeats if now < repeat.expires_at])

    def record_token_repeat(self, session: Session, now: datetime) -> "Identity":
        """Return the identity after a refresh token came again from another network.

        Further repeats of the same token change nothing.
        """
        exchanged_at = session.token_family.rotated_at if session.token_family else now
        repeats = self.current_token_repeats(now)
        if any(
            each.session_id == session.id and each.repeated_at >= exchanged_at for each in repeats
        ):
            return self
        repeats = (*repeats, TokenRepeat(session.id, now))
        return replace(self, token_repeats=repeats[-MAX_TOKEN_REPEATS:])

    def revoke_session(self, session_id: str) -> "Identity":
        """Return the identity without this session."""
        return replace(
            self, sessions=tuple(session for session in self.sessions if session.id != session_id)
        )

    def revoke_other_sessions(self, session_id: str) -> "Identity":
        """Return the identity with this session and its device only. The others are revoked."""
        return replace(
            self,
            sessions=tuple(
                replace(session, is_used=True)
                for session in self.sessions
                if session.id == session_id
            ),
            devices=tuple(device for device in self.devices if device.session_id == session_id),
            session_version=self.session_version + 1,
        )

    def revoke_all_sessions(self) -> "Identity":
        """Return the identity without sessions and recognized devices."""
        return replace(
            self,
            sessions=(),
            devices=(),
            session_version=self.session_version + 1,
        )

    def end_sessions_by_undo_code(self, disowned_id: str, used: UsedChallenge) -> "Identity":
        """Return the identity without sessions, after the undo code of a change that was disowned.

        Args:
            disowned_id: What it has of the code. From now on the code is a used one.
            used: The used code.
        """
        others = [each for each in self.used_challenges if each.id != disowned_id]
        return replace(self.revoke_all_sessions(), used_challenges=(*others, used))

    def set_username(self, username: Username, now: datetime) -> "Identity":
        """Return the identity as a user with this name. No call can change it from then on.

        A user keeps the first creation time.
        """
        created_at = self.user.created_at if self.user else now
        return replace(self, user=User(username, created_at), is_verified=True)

    def set_external_id(self, external_id: ExternalId | None) -> "Identity":
        """Return the identity with the id that another system has for it, None for no such id."""
        return replace(self, external_id=external_id)

    def set_claims(self, claims: str) -> "Identity":
        """Return the identity with these claims in its tokens, an empty text for none."""
        return replace(self, claims=claims)

    def start_phone_change(self, change: PhoneChange, *used: UsedChallenge) -> "Identity":
        """Return the identity with a change of its phone under way, by the codes of challenges.

        Its deadline is after those of earlier changes, also if a clock was set back: the order of
        deadlines is that of changes.
        """
        if change.undo_until is not None and not change.is_undo and self.undo_deadlines:
            after_last = self.undo_deadlines[-1] + timedelta(milliseconds=1)
            change = replace(change, undo_until=max(change.undo_until, after_last))
        challenges = [
            earlier for earlier in self.used_challenges if change.started_at < earlier.expires_at
        ]
        return replace(
            self,
            phone_change=change,
            used_challenges=(*challenges, *used),
        )

    def replace_phone(self, change: PhoneChange, now: datetime) -> "Identity":
        """Return the identity with its new phone, if this change is under way and at that step.

        - All sessions end but the one that is kept, and devices are forgotten.
        - A change can be undone until its deadline. An undo also voids the deadlines of all later
          changes, and no change is possible for `UNDO_PERIOD`.
        - A role ends if an operator makes the change, or if the number is disowned; also if the
          change that is undone came before the role: the account goes to another person.
        - If an operator's change cannot be undone, earlier changes cannot either: their numbers may
          have been stolen as well.
        """
        if self.phone_change != change or change.step is not PhoneChangeStep.ASSIGN:
            return self
        role = self.role if self._keeps_role(change) else Role.MEMBER
        deadlines = [deadline for deadline in self.undo_deadlines if now < deadline]
        allowed_at = self.phone_change_allowed_at
        if change.is_undo:
            undone = change.undo_until or now
            deadlines = [deadline for deadline in deadlines if deadline < undone]
            allowed_at = now + UNDO_PERIOD
        elif change.undo_until is not None:
            deadlines.append(change.undo_until)
        elif change.is_by_operator:
            deadlines = []
        return replace(
            self.record_event(EventType.PHONE_CHANGED, now),
            phone=change.new_phone,
            phone_change=replace(change, step=PhoneChangeStep.RELEASE, attempted_at=now),
            sessions=tuple(
                replace(session, is_used=True)
                for session in self.sessions
                if session.id == change.kept_session_id
            ),
            devices=(),
            session_version=self.session_version + 1,
            role=role,
            passkeys=self.passkeys if role.is_staff else (),
            undo_deadlines=tuple(deadlines),
            phone_change_allowed_at=allowed_at,
        )

    def _keeps_role(self, change: PhoneChange) -> bool:
        if change.is_by_operator or change.is_disown:
            return False
        if change.is_undo and change.undo_until and self.role_given_after:
            return change.undo_until > self.role_given_after
        return True

    def detach_disowned(self, change: PhoneChange, now: datetime) -> "Identity":
        """Return the identity detached from a phone whose owner disowned it, if it is at that step.

        It has the former phone for `restore` only: nobody signs in with that. No earlier change can
        be undone.
        """
        if self.phone_change != change or change.step is not PhoneChangeStep.ASSIGN:
            return self
        return replace(self.detach(now), phone=change.new_phone, undo_deadlines=())

    def advance_phone_change(self, change: PhoneChange | None) -> "Identity":
        """Return the identity with its change under way at another step; None ends it."""
        return replace(self, phone_change=change)

    def mark_imported(self, created_at: datetime, now: datetime) -> "Identity":
        """Return the identity of somebody whom another system knows since then: it is verified.

        It never gets younger, and keeps the time of the first import. Days of use and the last use
        stay; without any, it counts as used now.
        """
        return replace(
            self,
            created_at=min(self.created_at, created_at),
            imported_at=self.imported_at or now,
            last_used_at=self.last_used_at or now,
            is_verified=True,
        )

    def promote(self, role: Role) -> "Identity":
        """Return the identity with a role of the staff, without the sessions from before.

        The owner logs in again: whoever had one of these sessions does not have the role.
        """
        if self.role is role:
            return self
        # A session of the console from before a demotion does not come back.
        return replace(
            self,
            role=role,
            role_given_after=self.undo_deadlines[-1] if self.undo_deadlines else None,
            passkeys=self.passkeys if self.is_staff else (),
            sessions=(),
            session_version=self.session_version + 1,
        )

    def demote(self) -> "Identity":
        """Return the identity as a member, without what only staff has. Everything else stays."""
        if not self.is_staff:
            return self
        return replace(self.end_console_sessions(), role=Role.MEMBER, passkeys=())

    def block(self, now: datetime) -> "Identity":
        """Return the identity without sessions. It gets none until it is unblocked."""
        if self.is_blocked:
            return replace(self, sessions=(), devices=())
        blocked = self.record_event(EventType.USER_BLOCKED, now)
        return replace(blocked.revoke_all_sessions(), blocked_at=now)

    def unblock(self, now: datetime) -> "Identity":
        """Return the identity unblocked. Revoked sessions stay revoked."""
        if not self.is_blocked:
            return self
        return replace(self.record_event(EventType.USER_UNBLOCKED, now), blocked_at=None)

    def detach(self, now: datetime) -> "Identity":
        """Return the identity of a recycled phone: a member without name, sessions and devices.

        For the app's backend the user is deleted.
        """
        lost = self.record_event(EventType.USER_DELETED, now).revoke_all_sessions()
        return replace(lost, detached_at=now, user=None, role=Role.MEMBER, passkeys=())

    def restore(self, now: datetime) -> "Identity":
        """Return the detached identity for the next login. It counts as used now."""
        return replace(self, detached_at=None, last_used_at=now)

    def mark_used(self, now: datetime) -> "Identity":
        """Return the identity after its phone was used without a session of an app."""
        return replace(self, last_used_at=now)

    def mark_called(self, now: datetime) -> "Identity":
        """Return the identity after a call from its phone. A verified one does not change."""
        return self if self.is_verified else replace(self, last_used_at=now)

    def delete(self, now: datetime) -> "Identity":
        """Return the deleted identity. Reads and writes respect it as soon as it is saved."""
        deleted = replace(self.record_event(EventType.USER_DELETED, now), deleted_at=now)
        return deleted.keep_remains(now)

    def keep_remains(self, now: datetime) -> "Identity":
        """Return what remains of the deleted identity, without challenges that have expired.

        Nothing else is kept: not how it was used, by whom it was blocked, or what it could do. Of a
        used challenge only the id is, so that a login which is late finds that its code was used.
        """
        return Identity(
            self.id,
            self.phone,
            self.created_at,
            user=self.user,
            used_challenges=tuple(
                UsedChallenge(used.id, used.expires_at)
                for used in self.used_challenges
                if now < used.expires_at
            ),
            deleted_at=self.deleted_at,
            purged_at=self.purged_at,
            phone_change=self.phone_change,
            events=self.events,
        )

    def purge(self, now: datetime) -> "Identity":
        """Return the deleted identity after the cleanup removed its media and its phone."""
        return replace(self, purged_at=now, phone=None, phone_change=None)

    def is_username_released(self, now: datetime) -> bool:
        """Return whether it is deleted and its name may go to somebody else."""
        return self.deleted_at is not None and now >= self.deleted_at + USERNAME_HOLD_PERIOD

    def release_username(self) -> "Identity":
        """Return the deleted identity without its name."""
        return replace(self, user=None)
