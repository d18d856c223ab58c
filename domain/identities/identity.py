"""The identity: made by the first verified code, a user by `POST /users`, gone by one write."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.identities.session import MAX_SESSIONS, Session
from domain.identities.username import Username
from domain.phone import PhoneNumber

USERNAME_HOLD_PERIOD: Final = timedelta(days=30)


class Role(StrEnum):
    """What an identity may do."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class User:
    """What an identity shows of itself."""

    username: Username
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has held a phone; a consistency boundary with its sessions inside.

    A deleted one is a tombstone: it shows nothing, has no sessions, and its id is never used
    again. It keeps its phone until the sweeper has detached that (`swept`), and its name until
    `USERNAME_HOLD_PERIOD` has passed, so that nobody can step into a name just left.

    A blocked one has no sessions and opens none; all else of it stays as it is.
    """

    id: str
    phone: PhoneNumber | None
    created_at: datetime
    role: Role = Role.MEMBER
    user: User | None = None
    sessions: tuple[Session, ...] = ()
    deleted_at: datetime | None = None
    is_purged: bool = False
    blocked_at: datetime | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it was not deleted."""
        return self.deleted_at is None

    @property
    def is_blocked(self) -> bool:
        """Whether nobody can be signed in to it for now."""
        return self.blocked_at is not None

    @property
    def is_administrator(self) -> bool:
        """Whether it may act for others."""
        return self.role is Role.ADMINISTRATOR

    @property
    def username_key(self) -> str | None:
        """What no other identity may have, or None."""
        return self.user.username.key if self.user else None

    def active_sessions(self, now: datetime) -> tuple[Session, ...]:
        """The sessions that are on."""
        if not self.is_alive or self.is_blocked:
            return ()
        return tuple(one for one in self.sessions if now < one.expires_at)

    def find_session(self, session_id: str, now: datetime) -> Session | None:
        """The session of this id, if it is still on."""
        return next((one for one in self.active_sessions(now) if one.id == session_id), None)

    def add_session(self, session: Session) -> "Identity":
        """With one session more; the oldest ends when there would be too many."""
        live = [one for one in self.sessions if session.created_at < one.expires_at]
        return replace(self, sessions=(*live, session)[-MAX_SESSIONS:])

    def revoke_session(self, session_id: str) -> "Identity":
        """Without this session."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.id != session_id))

    def replace_session(self, session: Session) -> "Identity":
        """With this session as it is now, in the place of the one of its id."""
        return replace(
            self, sessions=tuple(session if one.id == session.id else one for one in self.sessions)
        )

    def revoke_other_sessions(self, session_id: str) -> "Identity":
        """With no session but this."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.id == session_id))

    def revoke_all_sessions(self) -> "Identity":
        """Without any session."""
        return replace(self, sessions=())

    def set_username(self, username: Username, now: datetime) -> "Identity":
        """As a user of this name; it stays a user since it first became one."""
        created = self.user.created_at if self.user else now
        return replace(self, user=User(username, created))

    def promote(self) -> "Identity":
        """As an administrator."""
        return replace(self, role=Role.ADMINISTRATOR)

    def demote(self) -> "Identity":
        """As a member again; all else of it stays."""
        return replace(self, role=Role.MEMBER)

    def block(self, now: datetime) -> "Identity":
        """Without sessions, and without new ones until it is unblocked."""
        return replace(self, blocked_at=self.blocked_at or now, sessions=())

    def unblock(self) -> "Identity":
        """As one that may be signed in to; sessions that have ended stay so."""
        return replace(self, blocked_at=None)

    def delete(self, now: datetime) -> "Identity":
        """The tombstone: every read and write respects it from the moment it is saved."""
        return replace(self, deleted_at=now, sessions=(), role=Role.MEMBER)

    def purge(self) -> "Identity":
        """The tombstone after everything that it left behind is gone."""
        return replace(self, is_purged=True, phone=None)

    def is_username_released(self, now: datetime) -> bool:
        """Whether it is a tombstone whose name may go to somebody else."""
        return self.deleted_at is not None and now >= self.deleted_at + USERNAME_HOLD_PERIOD

    def release_username(self) -> "Identity":
        """The tombstone with its name given up."""
        return replace(self, user=None)
