"""Make the response to the `challenge` of a 403 `attestation_required` (docs/web.md)."""

import base64
import hashlib
import itertools
import json
from typing import Any


def solve(challenge: dict[str, Any]) -> str:
    """Return the response to a challenge, after some thousand derivations of a key."""
    parameters = challenge["parameters"]
    nonce, salt = bytes.fromhex(parameters["nonce"]), bytes.fromhex(parameters["salt"])
    for counter in itertools.count():
        password = nonce + counter.to_bytes(4, "big")
        key = hashlib.pbkdf2_hmac(
            "sha256", password, salt, parameters["cost"], parameters["keyLength"]
        )
        if key.hex().startswith(parameters["keyPrefix"]):
            break
    payload = {"challenge": challenge, "solution": {"counter": counter, "derivedKey": key.hex()}}
    return base64.b64encode(json.dumps(payload).encode()).decode()
