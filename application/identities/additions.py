"""What features add to identities and logins."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.identities.identity import Identity
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

PASSKEY_CHANNEL: Final = "passkey"
"""Where a login names the channel of its code: it had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login whose code is correct and not used yet, or whose passkey is right.

    Attributes:
        challenge_id: Challenge of the code, or what the passkey signed.
        channel: A `Channel`, or `PASSKEY_CHANNEL`.
        external_id: What another system calls the identity; None without one.
        device: Its name, which the client chose; None without one.
    """

    user_id: str | None
    external_id: str | None
    challenge_id: str
    phone: PhoneNumber
    channel: str
    device: str | None
    is_device_recognized: bool


@dataclass(frozen=True, slots=True)
class AllowLogin:
    """The session may be opened.

    Attributes:
        claims: A JSON object of up to 512 bytes, which the session keeps: its short-lived access
            tokens have it in their claim `app`.
    """

    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RejectLogin:
    """The session is not opened, and the code is used.

    Attributes:
        text: Says why, for the person who wanted to log in. Of more than 200 characters the client
            gets the first 199.
    """

    text: str


TokenClaimsSource = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Gets the id of an identity, and returns a JSON object; an empty one for no claims.

The identity of a first login has no record yet.
"""
LoginHookCall = Callable[[PendingLogin], Awaitable[AllowLogin | RejectLogin]]
"""Decides about a login. It may be asked twice if a client sends its code twice at the same time,
and about a login that fails afterwards. It has a time limit, and its claims are valid."""


def needs_no_passkey(_: Identity) -> bool:
    """Return False, where no feature has passkeys."""
    return False


@dataclass(frozen=True, kw_only=True)
class IdentityAdditions:
    """What else is done when an identity changes.

    Attributes:
        after_deletion: Gets the id of an identity that was deleted, and deletes some of what the
            feature has of it; the cleanup deletes the rest.
        after_login_by_call: Gets the id of the call that read the code, and that of the identity.
        after_login: Gets the phone that logged in, and the channel of its code. It never raises.
        login_hook: What is asked once for a login, with a correct code and before the code is used;
            None for nothing. It is not asked for a refresh, for a repeat of a login, and by the web
            console.
        token_claims: By the name of the extension: what adds claims to short-lived access tokens,
            at the login and at each refresh.
        needs_passkey: Whether an identity has its rights of staff only in a session of the console.
            None does where no feature has passkeys.
        has_console: Whether sessions of the console are valid at this instance.
    """

    after_deletion: Sequence[Callable[[str], Awaitable[object]]] = ()
    after_login_by_call: Sequence[Callable[[str, str], Awaitable[object]]] = ()
    after_login: Sequence[Callable[[PhoneNumber, Channel], Awaitable[object]]] = ()
    login_hook: LoginHookCall | None = None
    token_claims: Mapping[str, TokenClaimsSource] = field(default_factory=dict)
    needs_passkey: Callable[[Identity], bool] = needs_no_passkey
    has_console: bool = False
