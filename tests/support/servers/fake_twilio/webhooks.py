"""Signed webhooks: https://www.twilio.com/docs/usage/security#validating-requests."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

FormFields = Sequence[tuple[str, str]]


class ServiceWebhooks(NamedTuple):
    """The webhooks of a service: signed for its public URL and sent to it, as a proxy does."""

    service_url: str
    public_url: str
    token: str
    client: httpx.Client

    def post(self, url: str, fields: FormFields) -> httpx.Response:
        """Post a signed form to a public URL."""
        assert url.startswith(self.public_url), f"not a URL of the service: {url}"
        return self.client.post(
            self.service_url + url.removeprefix(self.public_url),
            content=urlencode(fields),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "User-Agent": "TwilioProxy/1.1",
                "X-Twilio-Signature": sign_webhook(self.token, url, fields),
            },
        )


def sign_webhook(token: str, url: str, fields: FormFields = ()) -> str:
    """Sign a URL and the fields, sorted by name."""
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.encode(), content.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def add_body_hash(url: str, body: str) -> str:
    """Add the hash of the body to the URL, as Twilio does for a body that is not a form."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
