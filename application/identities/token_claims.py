"""The claims that extensions add to short-lived access tokens."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from application.identities.additions import TokenClaimsSource
from application.ports.errors import ExtensionFailed, PortError
from application.tasks import call_adapter, is_ended
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import has_nul

Claims = Mapping[str, Mapping[str, Any]]
"""JSON objects, by the names of extensions."""

TIMEOUT: Final = 3.0
"""Seconds for all claims of a token."""
MAX_ALL_CLAIMS_BYTES: Final = 1024
"""Bytes of all extensions' claims with their names.

With the claim `app`, twice `MAX_CLAIMS_BYTES`, a token stays below 4,096 characters: JSON in a
token has six ASCII characters for most others, and base64url makes four of three bytes.
"""

_log: Final = logging.getLogger(__name__)


async def load_token_claims(sources: Mapping[str, TokenClaimsSource], identity_id: str) -> Claims:
    """Return the claims of all extensions by their names; those of none are left out.

    A token without the claims of one of them would be wrong for as long as it lives, so there is
    none then.

    Raises:
        ExtensionFailed: One of them returned no JSON object or a large one, raised something, or
            took longer than `TIMEOUT`.
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


def claims_size(claims: Mapping[str, Any]) -> int:
    """Return how many bytes the claims have in the payload of a token."""
    return len(encode_claims(claims))


def encode_claims(claims: Mapping[str, Any]) -> str:
    """Return the claims as in the payload of a token: in ASCII."""
    return json.dumps(claims, separators=(",", ":"))


async def _load_claims(
    name: str, load: Callable[[], Awaitable[Mapping[str, Any]]]
) -> Mapping[str, Any]:
    async def load_json() -> Mapping[str, Any]:
        # A mapping of an extension is code of it, too.
        return _to_json(name, await load())

    try:
        claims = await call_adapter(f"extension_{name}", load_json, TIMEOUT)
    except PortError:
        raise
    except TimeoutError as error:
        _log_failure(name, error)
        raise _failed(name, "no answer in time") from None
    # An extension may raise anything, also of what it has cancelled itself.
    except BaseException as error:  # SystemExit would end the process
        if is_ended():
            raise
        _log_failure(name, error)
        raise _failed(name, f"it raised {type(error).__name__}") from error
    if (size := claims_size(claims)) > MAX_CLAIMS_BYTES:
        raise _failed(name, f"its claims have {size} bytes, more than {MAX_CLAIMS_BYTES}")
    return claims


def _to_json(name: str, loaded: object) -> Mapping[str, Any]:
    """Return the claims as other programs read them."""
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
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)


def _log_failure(name: str, error: BaseException) -> None:
    _log.error({"event": "extension_failed", "extension": name}, exc_info=error)


def _failed(name: str, reason: str) -> ExtensionFailed:
    return ExtensionFailed(f"extension {name}: {reason}")
