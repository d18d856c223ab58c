"""The identity: made by the first successful verification of a phone, deleted by one write."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import Unauthenticated
from domain.identifier import require_identifier
from domain.identities.device_token import MAX_DEVICES, DeviceToken, RecognizedDevice
from domain.identities.external_id import ExternalId
from domain.identities.imported import Imported
from domain.identities.passkey import Passkey, check_passkey_name
from domain.identities.phone_change import PhoneChange, PhoneChangeStep
from domain.identities.role import Role, Staff
from domain.identities.session import MAX_TOKEN_REPEATS, Session, TokenRepeat
from domain.identities.user_events import EventType, UserEvents
from domain.identities.username import Username
from domain.phone import PhoneNumber

USERNAME_RESERVATION: Final = timedelta(days=30)
UNVERIFIED_TTL: Final = timedelta(days=90)
"""How long an unverified identity is kept without a call or a login. Caller ids can be forged."""


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
        if request_id is not None:
            return request_id == self.request_id
        return client_ip_hash is not None and client_ip_hash == self.client_ip_hash


@dataclass(frozen=True, slots=True)
class Consent:
    """What a caller agreed to by staying on the line: the wording that was read, and when.

    Ownership of the phone is unproven.
    """

    wording: str
    language: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a phone, with the sessions. A consistency boundary.

    - A deleted identity shows nothing, has no sessions, and its id is never used again. It keeps
      its phone until the cleanup purges it, and its username for `USERNAME_RESERVATION`, so that
      nobody can take over the name at once.
    - A blocked identity has no sessions and gets none. Everything else stays as it is.
    - A recognized device outlives its session: an ordinary logout keeps it. Revoking sessions
      from elsewhere revokes their devices as well, in the same write: if a phone
      verification had the devices, a login between two writes could keep one.
    - A detached identity had a phone that belongs to somebody else now. It has no username,
      sessions or devices, and gets none until an operator gives it another phone.
    - `claims` are what the backend of the app adds to its tokens: JSON in a text, empty for none.
    - `external_id` is what another system calls it. No two have the same one.
    - `token_repeats` are kept after the end of their session, which may end because the token
      was stolen.
    - A caller who joined by phone is an unverified identity until the first login, which adds no
      consent, role or trust: `consent` stays what an unproven caller agreed to.
    """

    id: str
    phone: PhoneNumber | None
    created_at: datetime
    # One write gives or takes a role and ends the sessions, and what ends a role ends its passkeys.
    staff: Staff = Staff()
    user: User | None = None
    sessions: tuple[Session, ...] = ()
    devices: tuple[RecognizedDevice, ...] = ()
    used_challenges: tuple[UsedChallenge, ...] = ()
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    blocked_at: datetime | None = None
    detached_at: datetime | None = None
    last_used_at: datetime | None = None
    has_signed_in: bool = False
    is_verified: bool = True
    # Recorded by the write that makes an unverified identity, so that none is without it.
    consent: Consent | None = None
    external_id: ExternalId | None = None
    # Tokens are made of one read, and none has them after the write that deletes the identity.
    claims: str = ""
    # An import completes only identities without a sign-in: it and first login exclude each other.
    imported: Imported = Imported()
    # The change of its phone that is under way. The write that replaces the phone ends sessions
    # and maybe the role.
    phone_change: PhoneChange | None = None
    # The write that changes a user records what the backend of the app is told of it.
    events: UserEvents = UserEvents()
    token_repeats: tuple[TokenRepeat, ...] = ()
    # What ends the account, or moves it to another owner, ends them in the same write.
    passkeys: tuple[Passkey, ...] = ()

    def __post_init__(self) -> None:
        require_identifier(self.id)

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def expires_at(self) -> datetime | None:
        """When the cleanup changes it next; None if it does not."""
        if self.is_deleted:
            return max((used.expires_at for used in self.used_challenges), default=None)
        if self.is_verified:
            return None
        return (self.last_used_at or self.created_at) + UNVERIFIED_TTL

    @property
    def is_closed(self) -> bool:
        """Whether it is deleted or detached, and gets no phone: others may get its phone."""
        change = self.phone_change
        gets_phone = change is not None and change.old_phone is None
        return self.is_deleted or (self.detached_at is not None and not gets_phone)

    def require_open(self) -> "Identity":
        """Return the identity; raises Unauthenticated if it is closed."""
        if self.is_closed:
            raise Unauthenticated
        return self

    @property
    def is_blocked(self) -> bool:
        return self.blocked_at is not None

    @property
    def is_staff(self) -> bool:
        return self.staff.role.is_staff

    @property
    def is_administrator(self) -> bool:
        """Whether it may do everything for others."""
        return self.staff.role is Role.ADMINISTRATOR

    def record_event(self, event_type: EventType, now: datetime) -> "Identity":
        """Return the identity with an event, if it is a user: the app does not know others."""
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
        return phone in self.all_phones

    def is_open_owner(self, phone: PhoneNumber) -> bool:
        return not self.is_closed and self.owns(phone)

    @property
    def username(self) -> Username | None:
        return self.user.username if self.user else None

    @property
    def username_key(self) -> str | None:
        return self.user.username.key if self.user else None

    @property
    def staff_look_alike_key(self) -> str | None:
        """The key that finds look-alikes of its name, or None without a role."""
        return self.user.username.look_alike_key if self.is_staff and self.user else None

    def keeps(self, username: Username) -> bool:
        """Return whether others cannot get a name: it has a role, and a name like this one."""
        return self.staff_look_alike_key in username.look_alike_keys

    def active_sessions(self, now: datetime) -> tuple[Session, ...]:
        if self.is_deleted or self.is_blocked:
            return ()
        return tuple([session for session in self.sessions if now < session.ends_at])

    def find_session(self, session_id: str, now: datetime) -> Session | None:
        active = self.active_sessions(now)
        return next((session for session in active if session.id == session_id), None)

    def is_unused(self, now: datetime, period: timedelta) -> bool:
        """Return whether there was no login or use for this long, give or take a day."""
        times = [self.created_at, *(session.last_seen_at for session in self.sessions)]
        times += [self.last_used_at or self.created_at]
        return now - max(times) >= period

    def has_used(self, challenge_id: str) -> bool:
        return any(used.id == challenge_id for used in self.used_challenges)

    def add_session(
        self,
        session: Session,
        used: UsedChallenge | None = None,
        device: RecognizedDevice | None = None,
    ) -> "Identity":
        """Add a session. The oldest is dropped if there are too many of its kind, or of devices."""
        now = session.created_at
        active = [earlier for earlier in self.sessions if now < earlier.ends_at]
        same = [earlier for earlier in active if earlier.kind is session.kind]
        dropped = same[: max(0, len(same) + 1 - session.kind.max_sessions)]
        sessions = [earlier for earlier in active if earlier not in dropped]
        challenges = [earlier for earlier in self.used_challenges if now < earlier.expires_at]
        return replace(
            self,
            sessions=(*sessions, session),
            used_challenges=(*challenges, used) if used else tuple(challenges),
            token_repeats=self.current_token_repeats(now),
            last_used_at=now,
            has_signed_in=True,
            is_verified=True,
            devices=self._devices_with(device, now) if device else self.devices,
        )

    def repeat_login(
        self, challenge_id: str, request_id: str | None, client_ip_hash: str | None, now: datetime
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
        if not self.is_deleted and not self.is_blocked:
            for device in self.devices:
                if device.id == device_id and now < device.expires_at:
                    return device
        return None

    def has_device(self, token: DeviceToken, now: datetime) -> bool:
        """Return whether a device token is valid for this identity."""
        is_own = token.identity_id == self.id
        return is_own and self.find_device(token.device_id, now) is not None

    def _devices_with(self, added: RecognizedDevice, now: datetime) -> tuple[RecognizedDevice, ...]:
        kept = [
            device for device in self.devices if device.id != added.id and now < device.expires_at
        ]
        return (*kept, added)[-MAX_DEVICES:]

    @property
    def staff_passkeys(self) -> tuple[Passkey, ...]:
        """The passkeys that open the console."""
        return tuple(passkey for passkey in self.passkeys if passkey.is_staff)

    @property
    def app_passkeys(self) -> tuple[Passkey, ...]:
        """The passkeys with which the user signs in to the app."""
        return tuple(passkey for passkey in self.passkeys if not passkey.is_staff)

    def add_passkey(self, passkey: Passkey) -> "Identity":
        """Add a passkey; raises ConflictingValue. A staff passkey ends sessions of the console."""
        check_passkey_name(self.passkeys, passkey.name)
        changed = replace(self, passkeys=(*self.passkeys, passkey))
        if not passkey.is_staff:
            return changed
        ended = changed.end_console_sessions()
        return replace(ended, staff=replace(ended.staff, needs_passkey=True))

    def remove_passkeys(self, *ids: str) -> "Identity":
        """Remove passkeys. If one is of the staff, all sessions of the console end."""
        kept = tuple(passkey for passkey in self.passkeys if passkey.id not in ids)
        changed = replace(self, passkeys=kept)
        is_same = changed.staff_passkeys == self.staff_passkeys
        return changed if is_same else changed.end_console_sessions()

    def end_console_sessions(self) -> "Identity":
        """End the sessions of the console, and a link for a passkey. Sessions of apps stay."""
        return replace(
            self,
            staff=replace(self.staff, invitation=None),
            sessions=tuple(session for session in self.sessions if not session.is_console),
        )

    def revoke_device_of(self, session_id: str) -> "Identity":
        return replace(
            self,
            devices=tuple(device for device in self.devices if device.session_id != session_id),
        )

    def replace_session(self, changed: Session) -> "Identity":
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
        )

    def current_token_repeats(self, now: datetime) -> tuple[TokenRepeat, ...]:
        """Return the repeats of refresh tokens that are still shown, the earliest first."""
        return tuple([repeat for repeat in self.token_repeats if now < repeat.expires_at])

    def record_token_repeat(self, session: Session, now: datetime) -> "Identity":
        """Return the identity after a refresh token came again from another network."""
        exchanged_at = session.token_family.rotated_at if session.token_family else now
        repeats = self.current_token_repeats(now)
        if any(
            repeat.session_id == session.id and repeat.repeated_at >= exchanged_at
            for repeat in repeats
        ):
            return self
        repeats = (*repeats, TokenRepeat(session.id, now))
        return replace(self, token_repeats=repeats[-MAX_TOKEN_REPEATS:])

    def revoke_session(self, session_id: str) -> "Identity":
        return replace(
            self, sessions=tuple(session for session in self.sessions if session.id != session_id)
        )

    def revoke_other_sessions(self, session_id: str | None) -> "Identity":
        """Return the identity with this session and its device only. The others are revoked."""
        return replace(
            self,
            sessions=tuple(
                replace(session, is_used=True)
                for session in self.sessions
                if session.id == session_id
            ),
            devices=tuple(device for device in self.devices if device.session_id == session_id),
            staff=replace(self.staff, invitation=None),
        )

    def revoke_all_sessions(self) -> "Identity":
        """Return the identity without sessions and recognized devices."""
        staff = replace(self.staff, invitation=None)
        return replace(self, sessions=(), devices=(), staff=staff)

    def set_username(self, username: Username, now: datetime) -> "Identity":
        """Return the identity as a user with this name. No call can change it from then on."""
        created_at = self.user.created_at if self.user else now
        return replace(self, user=User(username, created_at), is_verified=True)

    def start_phone_change(self, change: PhoneChange, *used: UsedChallenge) -> "Identity":
        """Return the identity with a change of its phone under way, by the codes of challenges."""
        challenges = [
            earlier for earlier in self.used_challenges if change.started_at < earlier.expires_at
        ]
        return replace(
            self,
            phone=change.old_phone,
            phone_change=change,
            used_challenges=(*challenges, *used),
        )

    def replace_phone(self, change: PhoneChange, now: datetime) -> "Identity":
        """Return the identity with its new phone, if this change is under way and at that step.

        - All sessions end but the one that is kept, and devices are forgotten.
        - After a change by an operator it is a member without passkeys, and counts as used now:
          otherwise the first login would take a phone for recycled that the owner has only just
          got.
        - A detached one is a member without a username, whose owner logs in.
        """
        if self.phone_change != change or change.step is not PhoneChangeStep.ASSIGN:
            return self
        changed = self.record_event(EventType.PHONE_CHANGED, now)
        released = replace(change, step=PhoneChangeStep.RELEASE, attempted_at=now)
        kept = changed.revoke_other_sessions(change.kept_session_id)
        return replace(
            kept,
            devices=(),
            phone=change.new_phone,
            phone_change=released if change.old_phone else None,
            staff=Staff() if change.is_by_operator else kept.staff,
            passkeys=() if change.is_by_operator else self.passkeys,
            detached_at=None,
            last_used_at=now if change.is_by_operator else self.last_used_at,
        )

    def mark_imported(self, created_at: datetime, now: datetime) -> "Identity":
        """Return the identity of somebody whom another system knows since then: it is verified.

        It never gets younger, and keeps the time of the first import. Days of use and the last use
        stay; without any, it counts as used now.
        """
        return replace(
            self,
            created_at=min(self.created_at, created_at),
            imported=self.imported.mark(now),
            last_used_at=self.last_used_at or now,
            is_verified=True,
        )

    def promote(self, role: Role) -> "Identity":
        """Return the identity with a role of the staff, without the sessions from before.

        The owner logs in again: holders of these sessions do not have the role.
        """
        if self.staff.role is role:
            return self
        staff = replace(self.staff, role=role, invitation=None)
        return replace(self, staff=staff, sessions=())

    def demote(self) -> "Identity":
        """Return the identity as a member, without what only staff has. Everything else stays."""
        if not self.is_staff:
            return self
        ended = self.end_console_sessions()
        return replace(ended, staff=Staff(), passkeys=self.app_passkeys)

    def allow_codes(self) -> "Identity":
        """Return the identity whose rights of staff count after a sign-in by code again."""
        return replace(self, staff=replace(self.staff, needs_passkey=False))

    def block(self, now: datetime) -> "Identity":
        """Return the identity without sessions. It gets none until it is unblocked."""
        if self.is_blocked:
            return self.revoke_all_sessions()
        blocked = self.record_event(EventType.USER_BLOCKED, now)
        return replace(blocked.revoke_all_sessions(), blocked_at=now)

    def unblock(self, now: datetime) -> "Identity":
        if not self.is_blocked:
            return self
        return replace(self.record_event(EventType.USER_UNBLOCKED, now), blocked_at=None)

    def detach(self, now: datetime) -> "Identity":
        """Return the identity of a recycled phone: a member without name, sessions and passkeys.

        For the app's backend the user is deleted. One that was about to get a phone gets none.
        """
        former = self if self.detached_at is None else replace(self, phone_change=None)
        lost = former.record_event(EventType.USER_DELETED, now).revoke_all_sessions()
        return replace(lost, detached_at=now, user=None, staff=Staff(), passkeys=())

    def mark_used(self, now: datetime) -> "Identity":
        return replace(self, last_used_at=now)

    def mark_called(self, now: datetime) -> "Identity":
        """Return the identity after a call from its phone. A verified one does not change."""
        return self if self.is_verified else replace(self, last_used_at=now)

    def delete(self, now: datetime) -> "Identity":
        """Return the deleted identity. Reads and writes respect it as soon as it is saved."""
        deleted = replace(self.record_event(EventType.USER_DELETED, now), deleted_at=now)
        return deleted.erase_details(now)

    def erase_details(self, now: datetime) -> "Identity":
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
        return self.deleted_at is not None and now >= self.deleted_at + USERNAME_RESERVATION

    def release_username(self) -> "Identity":
        return replace(self, user=None)
