"""Webhooks as Twilio signs them: https://www.twilio.com/docs/usage/security#validating-requests."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from tests.support.plain_http import PLAIN_HTTP

Pairs = Sequence[tuple[str, str]]

_FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What was answered to a webhook."""

    status: int
    media_type: str
    text: str


def signature(token: str, url: str, fields: Pairs = ()) -> str:
    """Sign the address as it was asked for, and the fields after their names."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(token.encode(), signed.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def with_hash(url: str, body: str) -> str:
    """The address of a webhook whose body is no form: the hash of the body is a part of it."""
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"


def post_webhook(
    url: str, fields: Pairs, *, token: str, signed_as: str | None = None
) -> WebhookAnswer:
    """Post a form; `signed_as` is the address that the world sees, where that is another one."""
    signed = signature(token, signed_as or url, fields)
    return _post(url, urlencode(fields), _FORM, signed)


def post_json_webhook(
    url: str, content: Any, *, token: str, signed_as: str | None = None
) -> WebhookAnswer:
    """Post JSON, as some of Twilio's events come."""
    body = json.dumps(content)
    signed = signature(token, with_hash(signed_as or url, body))
    return _post(with_hash(url, body), body, "application/json", signed)


def _post(url: str, body: str, media_type: str, signed: str) -> WebhookAnswer:
    answer = httpx.post(
        url,
        content=body,
        headers={
            "Content-Type": media_type,
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signed,
        },
        timeout=15,  # as long as Twilio waits
        **PLAIN_HTTP,
    )
    return WebhookAnswer(answer.status_code, answer.headers.get("Content-Type", ""), answer.text)
