"""Claims that the backend of the app adds to the tokens of a user or of a session.

They are stored as JSON in a text, which is empty for none: databases do not store all of JSON.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from domain.errors import TooLong
from domain.json_values import check_json

MAX_CLAIMS_BYTES: Final = 512
"""Bytes of one such object in a token, where JSON is ASCII: most other characters have six."""
_TOO_LONG: Final = (
    f"The claims have at most {MAX_CLAIMS_BYTES} bytes as compact JSON in ASCII, where é has six."
    " Each request has them, so keep the rest in the data of the app."
)


def parse_claims(values: Mapping[str, object]) -> str:
    """Parse claims: a JSON object, which may have objects and arrays in it.

    Raises:
        TooLong: It has too many bytes.
    """
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False, sort_keys=True)
    except RecursionError:
        raise TooLong(_TOO_LONG) from None
    if len(text) > MAX_CLAIMS_BYTES:
        raise TooLong(_TOO_LONG)
    check_json(values)
    return text if values else ""


def read_claims(text: str) -> Mapping[str, Any]:
    """Return claims that are stored; an empty object for none."""
    claims: Mapping[str, Any] = json.loads(text) if text else {}
    return claims


def merge_claims(of_user: str, of_session: str) -> Mapping[str, Any]:
    """Return the claims of a token. Those of the session win, key by key."""
    return {**read_claims(of_user), **read_claims(of_session)}
