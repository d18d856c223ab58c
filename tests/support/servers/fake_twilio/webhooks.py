"""Signatures of webhooks: https://www.twilio.com/docs/usage/security#validating-requests."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

FormFields = Sequence[tuple[str, str]]


def sign_webhook(token: str, url: str, fields: FormFields = ()) -> str:
    """Sign a URL and the fields, sorted by name."""
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.digest(token.encode(), content.encode(), "sha1")
    return base64.b64encode(mac).decode()


def add_body_hash(url: str, body: str) -> str:
    """Add the hash of the body to the URL, as Twilio does for a body that is not a form."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
