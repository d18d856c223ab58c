"""Calls of extensions, among them those during a login or a refresh."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from application.identities.extensions import (
    MAX_REJECTION_LENGTH,
    AllowLogin,
    IdentityExtensions,
    LoginQuestion,
    PendingLogin,
    RejectLogin,
    SessionCheck,
    TokenClaimsSource,
)
from application.ports.errors import ExtensionFailed, PortError
from application.tasks import call_adapter, is_ended
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import has_nul

T = TypeVar("T")
Claims = Mapping[str, Mapping[str, Any]]
"""JSON objects, by the names of extensions."""

LOGIN_HOOK: Final = "login_hook"
"""In the place of the name of an extension."""
TIMEOUT: Final = 3.0
"""Seconds for all session checks of a login, and for all claims of a token."""
MAX_ALL_CLAIMS_BYTES: Final = 1024
"""Of the claims of all extensions with their names.

With the claim `app`, twice `MAX_CLAIMS_BYTES`, a token stays below 4,096 characters: JSON in a
token has six ASCII characters for most others, and base64url makes four of three bytes.
"""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoginRejection:
    """An extension rejected a login, for a user or for somebody new."""

    extension: str
    text: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class LoginApproval:
    """No extension rejected a login. The claims of its session are JSON, empty for none."""

    claims: str = ""


LoginDecision = LoginApproval | LoginRejection


async def load_token_claims(sources: Mapping[str, TokenClaimsSource], identity_id: str) -> Claims:
    """Return the claims of all extensions by their names; those of none are left out.

    A token without the claims of one of them would be wrong for as long as it lives, so there is
    none then.

    Raises:
        ExtensionFailed: One of them returned no JSON object or a large one, raised something, or
            took longer than `TIMEOUT`.
        PortError: What an extension raised, such as a `StorageError` of its own records.
    """
    loaded = await asyncio.gather(
        *(_load_claims(name, partial(load, identity_id)) for name, load in sources.items())
    )
    claims = {name: of_name for name, of_name in zip(sources, loaded, strict=True) if of_name}
    if claims_size(claims) > MAX_ALL_CLAIMS_BYTES:
        names = ", ".join(claims)
        raise ExtensionFailed(
            f"the claims of the extensions {names} have more than {MAX_ALL_CLAIMS_BYTES} bytes"
        )
    return claims


async def ask_about_login(extensions: IdentityExtensions, question: LoginQuestion) -> LoginDecision:
    """Ask the login hook, and one check of extensions after the other, until one rejects the login.

    Raises:
        ExtensionFailed: One of them returned something else, raised something, or all of them took
            longer than `TIMEOUT`; or the claims are no JSON object, or a large one.
        PortError: What the hook or an extension raised, such as a `StorageError` of its own
            records.
    """
    login = question.login
    claims: dict[str, Any] = {}
    if extensions.login_hook is not None:
        decided = await extensions.login_hook(question)
        if isinstance(decided, RejectLogin):
            return LoginRejection(LOGIN_HOOK, _shorten(decided.text), login.user_id)
        claims |= decided.claims
    loop = asyncio.get_running_loop()
    end = loop.time() + TIMEOUT
    for name, check in extensions.session_checks.items():
        seconds = end - loop.time()
        ask = partial(_ask, name, check, login)
        decision = await call_extension(name, ask, seconds, part="its check")
        if isinstance(decision, LoginRejection):
            return decision
        claims |= decision
        _check_size(name, claims)
    return LoginApproval(_encode(claims) if claims else "")


async def _ask(
    name: str, check: SessionCheck, login: PendingLogin
) -> LoginRejection | Mapping[str, Any]:
    """Return the rejection of a check, or its claims."""
    decision: object = await check(login)
    if isinstance(decision, RejectLogin):
        text: object = decision.text
        text = _shorten(text) if isinstance(text, str) else ""
        return LoginRejection(name, text, login.user_id)
    if not isinstance(decision, AllowLogin):
        raise _failed(name, f"its check returned {type(decision).__name__}")
    return _to_json(name, decision.claims)


async def _load_claims(
    name: str, load: Callable[[], Awaitable[Mapping[str, Any]]]
) -> Mapping[str, Any]:
    async def load_json() -> Mapping[str, Any]:
        # A mapping of an extension is code of it, too.
        return _to_json(name, await load())

    claims = await call_extension(name, load_json, TIMEOUT, part="its claims")
    _check_size(name, claims)
    return claims


def _check_size(name: str, claims: Mapping[str, Any]) -> None:
    if (size := claims_size(claims)) > MAX_CLAIMS_BYTES:
        raise _failed(name, f"its claims have {size} bytes, more than {MAX_CLAIMS_BYTES}")


def _to_json(name: str, loaded: object) -> Mapping[str, Any]:
    """Return the claims as other programs read them.

    Raises:
        ExtensionFailed: They are no JSON object, or have a NUL.
    """
    if not isinstance(loaded, Mapping):
        raise _failed(name, f"its claims are {type(loaded).__name__}, and no JSON object")
    try:
        # Text that is no Unicode, such as half of a surrogate pair, is rejected by many verifiers.
        text = json.dumps(dict(loaded), allow_nan=False, ensure_ascii=False).encode()
        _check_keys(loaded)
        claims: Mapping[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise _failed(name, f"its claims are no JSON: {type(error).__name__}") from error
    if has_nul(claims):
        raise _failed(name, "its claims have a NUL (U+0000)")
    return claims


def _check_keys(value: object) -> None:
    """Check that all keys are texts: JSON would have both 1 and "1" as "1"."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)


async def call_extension(
    name: str,
    call: Callable[[], Awaitable[T]],
    seconds: float | None,
    *,
    part: str = "",
    expected: tuple[type[Exception], ...] = (PortError,),
) -> T:
    """Await a call of the code of an extension.

    Args:
        name: The extension.
        call: Makes the call.
        seconds: How long it may take; None without a limit.
        part: What is called, for the log and the error.
        expected: The errors that it may raise.

    Raises:
        Exception: What is expected.
        ExtensionFailed: It raised anything else or took too long, which the log has.
    """
    place = f" in {part}" if part else ""
    try:
        return await call_adapter(f"extension_{name}", call, seconds)
    except expected:
        raise
    except TimeoutError as error:
        log_failure(name, part, error)
        raise _failed(name, f"no answer in time{place}") from None
    # An extension may raise anything, also of what it has cancelled itself.
    except BaseException as error:  # SystemExit would end the process
        if is_ended():
            raise
        log_failure(name, part, error)
        raise _failed(name, f"it raised {type(error).__name__}{place}") from error


def log_failure(name: str, part: str, error: BaseException) -> None:
    """Log what an extension raised."""
    fields = {"event": "extension_failed", "extension": name}
    _log.error(fields | ({"part": part} if part else {}), exc_info=error)


def _failed(name: str, reason: str) -> ExtensionFailed:
    return ExtensionFailed(f"extension {name}: {reason}")


def _shorten(text: str) -> str:
    # The JSON of the response has no half of a surrogate pair.
    text = text.encode(errors="replace").decode().strip()
    return text if len(text) <= MAX_REJECTION_LENGTH else f"{text[: MAX_REJECTION_LENGTH - 1]}…"


def claims_size(claims: Mapping[str, Any]) -> int:
    """Return how many bytes the claims have in the payload of a token."""
    return len(_encode(claims))


def _encode(claims: Mapping[str, Any]) -> str:
    """Return the claims as in the payload of a token: in ASCII."""
    return json.dumps(claims, separators=(",", ":"))
