"""The claims that the backend of the app sets for the tokens of a user."""

import json
from collections.abc import Mapping
from typing import Final

from domain.errors import TooLong
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import check_json

_TOO_LONG: Final = (
    f"The claims have at most {MAX_CLAIMS_BYTES} bytes as compact JSON in ASCII, where é has six."
    " Each request has them, so keep the rest in the data of the app."
)


def parse_claims(values: Mapping[str, object]) -> str:
    """Parse claims: a JSON object, which may have objects and arrays in it.

    Returns:
        The object as compact JSON in ASCII, as it is in a token, with sorted keys: one object has
        one text. An empty text for an empty object.

    Raises:
        TooLong: It has too many bytes.
        InvalidCharacters, InvalidNumber: See `check_json`.
    """
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False, sort_keys=True)
    except RecursionError:
        raise TooLong(_TOO_LONG) from None
    if len(text) > MAX_CLAIMS_BYTES:
        raise TooLong(_TOO_LONG)
    check_json(values)
    return text if values else ""
