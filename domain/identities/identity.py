"""The identity: made by the first verified code, a user by `POST /users`, gone by one write."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.identities.session import MOST_SESSIONS, Session
from domain.identities.username import Username
from domain.phone import PhoneNumber

USERNAME_HELD_FOR: Final = timedelta(days=30)


class Role(StrEnum):
    """What an identity may do."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class User:
    """What an identity shows of itself."""

    username: Username
    created: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has held a phone; a consistency boundary with its sessions inside.

    A deleted one is a tombstone: it shows nothing, has no sessions, and its id is never used
    again. It keeps its phone until the sweeper has detached that (`swept`), and its name until
    `USERNAME_HELD_FOR` has passed, so that nobody can step into a name just left.

    A blocked one has no sessions and opens none; all else of it stays as it is.
    """

    id: str
    phone: PhoneNumber | None
    created: datetime
    role: Role = Role.MEMBER
    user: User | None = None
    sessions: tuple[Session, ...] = ()
    deleted: datetime | None = None
    swept: bool = False
    blocked: datetime | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it was not deleted."""
        return self.deleted is None

    @property
    def is_blocked(self) -> bool:
        """Whether nobody can be signed in to it for now."""
        return self.blocked is not None

    @property
    def is_administrator(self) -> bool:
        """Whether it may act for others."""
        return self.role is Role.ADMINISTRATOR

    @property
    def username_key(self) -> str | None:
        """What no other identity may have, or None."""
        return self.user.username.key if self.user else None

    def living_sessions(self, now: datetime) -> tuple[Session, ...]:
        """The sessions that are on."""
        if not self.is_alive or self.is_blocked:
            return ()
        return tuple(one for one in self.sessions if now < one.expires)

    def session(self, session_id: str, now: datetime) -> Session | None:
        """The session of this id, if it is still on."""
        return next((one for one in self.living_sessions(now) if one.id == session_id), None)

    def signed_in(self, session: Session) -> "Identity":
        """With one session more; the oldest ends when there would be too many."""
        live = [one for one in self.sessions if session.created < one.expires]
        return replace(self, sessions=(*live, session)[-MOST_SESSIONS:])

    def signed_out(self, session_id: str) -> "Identity":
        """Without this session."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.id != session_id))

    def with_session(self, session: Session) -> "Identity":
        """With this session as it is now, in the place of the one of its id."""
        return replace(
            self, sessions=tuple(session if one.id == session.id else one for one in self.sessions)
        )

    def signed_out_but(self, session_id: str) -> "Identity":
        """With no session but this."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.id == session_id))

    def signed_out_everywhere(self) -> "Identity":
        """Without any session."""
        return replace(self, sessions=())

    def named(self, username: Username, now: datetime) -> "Identity":
        """As a user of this name; it stays a user since it first became one."""
        created = self.user.created if self.user else now
        return replace(self, user=User(username, created))

    def promoted(self) -> "Identity":
        """As an administrator."""
        return replace(self, role=Role.ADMINISTRATOR)

    def demoted(self) -> "Identity":
        """As a member again; all else of it stays."""
        return replace(self, role=Role.MEMBER)

    def blocked_at(self, now: datetime) -> "Identity":
        """Without sessions, and without new ones until it is unblocked."""
        return replace(self, blocked=self.blocked or now, sessions=())

    def unblocked(self) -> "Identity":
        """As one that may be signed in to; sessions that have ended stay so."""
        return replace(self, blocked=None)

    def deleted_at(self, now: datetime) -> "Identity":
        """The tombstone: every read and write respects it from the moment it is saved."""
        return replace(self, deleted=now, sessions=(), role=Role.MEMBER)

    def swept_clean(self) -> "Identity":
        """The tombstone after everything that it left behind is gone."""
        return replace(self, swept=True, phone=None)

    def holds_username_no_more(self, now: datetime) -> bool:
        """Whether it is a tombstone whose name may go to somebody else."""
        return self.deleted is not None and now >= self.deleted + USERNAME_HELD_FOR

    def without_username(self) -> "Identity":
        """The tombstone with its name given up."""
        return replace(self, user=None)
