"""Claims that the backend of the app adds to the tokens of a user or of a session.

They are stored as JSON in a text, which is empty for none: databases do not store all of JSON.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

MAX_CLAIMS_BYTES: Final = 512
"""Of one such object in a token, where JSON is ASCII: most other characters have six bytes."""


def read_claims(text: str) -> Mapping[str, Any]:
    """Return claims that are stored; an empty object for none."""
    claims: Mapping[str, Any] = json.loads(text) if text else {}
    return claims


def merge_claims(of_user: str, of_session: str) -> Mapping[str, Any]:
    """Return the claims of a token. Those of the session win, key by key."""
    return {**read_claims(of_user), **read_claims(of_session)}
