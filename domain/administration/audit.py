"""Audit entries: who did what to whom, when and why."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidCharacters, InvalidValue, TooLong, TooShort
from domain.identities.role import Role

AUDIT_RETENTION: Final = timedelta(days=400)
"""How long an entry is kept: a year, and time to look at it. Nothing deletes an entry earlier."""
MAX_REASON_LENGTH: Final = 500
NO_REASON: Final = "Say why. The audit keeps the reason."
MAX_ACTOR_NAME_LENGTH: Final = 64
# An id keeps its digits, unless ten of them stand together. A phone has at least seven, with up to
# six other characters in between, or an x.
_ID_OR_PHONE: Final = re.compile(
    r"(?P<id>\b(?=[0-9]*[a-f])(?![0-9a-f]*[0-9]{10})[0-9a-f]{24}\b)"
    r"|\d(?:(?:[\W_]|[xX]){0,6}\d){6,}"
)


class ActorKind(StrEnum):
    """Who acts. `administrator` is all staff: the role may change later."""

    ADMINISTRATOR = "administrator"
    USER = "user"
    SERVICE_TOKEN = "service_token"  # noqa: S105 -- a kind, not a secret
    OPERATING_SYSTEM_USER = "operating_system_user"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        kind: An administrator, a user and a service token have proved who they are. The operating
            system's user is a claim: anybody with the keys can name any.
        id: The id of the identity or of the token. Of a command, how the operator is called: what
            `--as` says, or the name of the operating system's user.
        name: What people call it: the name of the token. Of a command, the operating system's user
            with its machine if the operator has another name, and who became that user by sudo.
        role: Role of a person of the staff at the time of the act. None for all others.
    """

    kind: ActorKind
    id: str
    name: str = ""
    role: Role | None = None

    def is_same(self, other: "Actor") -> bool:
        return (self.kind, self.id) == (other.kind, other.id)

    @property
    def is_claim(self) -> bool:
        """Whether the actor's identity is unproven."""
        return self.kind is ActorKind.OPERATING_SYSTEM_USER


class AuditAction(StrEnum):
    """What was done. The values are stored."""

    VIEW_PHONE = "view_phone"
    RESET_LIMITS = "reset_limits"
    BLOCK = "block"
    UNBLOCK = "unblock"
    SIGN_OUT = "sign_out"
    END_SESSION = "end_session"
    DELETE = "delete"
    EXPORT = "export"
    PROMOTE = "promote"
    DEMOTE = "demote"
    CHANGE_PHONE = "change_phone"
    DETACH = "detach"
    CREATE_USER = "create_user"
    RENAME = "rename"
    UPLOAD_ITEM = "upload_item"
    CHANGE_ITEM = "change_item"
    DELETE_ITEM = "delete_item"
    HIDE_ITEM = "hide_item"
    UNHIDE_ITEM = "unhide_item"
    LISTEN = "listen"
    SET_EXTERNAL_ID = "set_external_id"
    SET_APP_DATA = "set_app_data"
    SET_CLAIMS = "set_claims"
    LIST_USERS = "list_users"
    IMPORT_USERS = "import_users"
    IMPORT_ITEMS = "import_items"
    ADD_BLOCK = "add_block"
    END_BLOCK = "end_block"
    CREATE_TOKEN = "create_token"  # noqa: S105 -- an action, not a secret
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 -- an action, not a secret
    ADD_PASSKEY = "add_passkey"
    INVITE_PASSKEY = "invite_passkey"
    REMOVE_PASSKEY = "remove_passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An act of an operator, a read of a full phone number, or a change of a user's phone.

    An entry never changes, but for its count, which only rises. It is written before the act. If
    the act fails, a second entry says so. Without a second entry the act was done, or the process
    ended in the middle of the act.

    Attributes:
        subject: To whom: the id of an identity, or the keyed hash of a phone without one. Of a
            token, its id. Of an act on many, `users` or `items`.
        reason: Why, as the actor says it, without the digits of phones.
        item_id: The item of the library that it is done to, if it is one.
        failed_entry_id: Set in the second entry of an act that failed: the first one.
        error: The name of its error.
        count: How many users a list has given so far; None for anything else.
    """

    id: str
    at: datetime
    actor: Actor
    action: AuditAction
    subject: str
    reason: str = ""
    item_id: str | None = None
    role: Role | None = None
    failed_entry_id: str | None = None
    error: str | None = None
    count: int | None = None

    @property
    def expires_at(self) -> datetime:
        return self.at + AUDIT_RETENTION

    @property
    def actor_kind(self) -> str:
        return self.actor.kind.value

    @property
    def actor_id(self) -> str:
        return self.actor.id


def parse_reason(text: str, *, is_required: bool = False) -> str:
    """Parse a reason: one line of up to `MAX_REASON_LENGTH` characters, with phones masked.

    Each digit of what may be a phone becomes `*`: seven digits and more, with up to six other
    characters between them. Digits of any script and form count.

    Raises:
        TooLong, InvalidCharacters
        TooShort: It is required, and there is none.
    """
    reason = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(reason) > MAX_REASON_LENGTH:
        raise TooLong(f"A reason has at most {MAX_REASON_LENGTH} characters.")
    if not reason.isprintable():
        raise InvalidCharacters("A reason has no control characters.")
    if is_required and not reason:
        raise TooShort(NO_REASON)
    return hide_phones(reason)


def parse_actor_name(text: str) -> str:
    """Parse how the operator of a command is called: one line of text, with phones masked.

    Raises:
        InvalidValue, TooLong
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not name or not name.isprintable():
        raise InvalidValue("A name is one line of text, such as jane.")
    if len(name) > MAX_ACTOR_NAME_LENGTH:
        raise TooLong(f"A name has at most {MAX_ACTOR_NAME_LENGTH} characters.")
    return hide_phones(name)


def hide_phones(text: str) -> str:
    """Return a text with the digits of what may be a phone masked, as in a reason."""
    return _ID_OR_PHONE.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    return match[0] if match["id"] else re.sub(r"\d", "*", match[0])
