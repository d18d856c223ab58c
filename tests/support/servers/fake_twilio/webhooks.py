"""Signed webhooks: https://www.twilio.com/docs/usage/security#validating-requests."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import httpx

from tests.support.plain_http import PLAIN_HTTP

FormFields = Sequence[tuple[str, str]]

_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The response to a webhook."""

    status: int
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class ServiceWebhooks:
    """The webhooks of a service, which knows itself by its public URL.

    Requests are signed for the public URL and sent to the service, as a proxy does. They share
    the connections of the client.
    """

    service_url: str
    public_url: str
    token: str
    client: httpx.Client

    def post(self, url: str, fields: FormFields) -> WebhookResponse:
        """Post a signed form to a public URL."""
        assert url.startswith(self.public_url), f"not a URL of the service: {url}"
        local_url = self.service_url + url.removeprefix(self.public_url)
        signature = sign_webhook(self.token, url, fields)
        return _post(self.client, local_url, urlencode(fields), _FORM, signature)


def open_client() -> httpx.Client:
    """Open a client that is as patient as Twilio."""
    return httpx.Client(timeout=15, **PLAIN_HTTP)


def sign_webhook(token: str, url: str, fields: FormFields = ()) -> str:
    """Sign a URL and the fields, sorted by name."""
    content = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.encode(), content.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def add_body_hash(url: str, body: str) -> str:
    """Add the hash of the body to the URL, as Twilio does for a body that is not a form."""
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"


def _post(
    client: httpx.Client, url: str, body: str, media_type: str, signature: str
) -> WebhookResponse:
    response = client.post(
        url,
        content=body,
        headers={
            "Content-Type": media_type,
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature,
        },
    )
    return WebhookResponse(
        response.status_code, response.headers.get("Content-Type", ""), response.text
    )
