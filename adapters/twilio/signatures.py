"""Twilio's signatures of webhooks: https://www.twilio.com/docs/usage/security."""

import hmac
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from twilio.request_validator import HMAC_SHA1, RequestValidator

from adapters.twilio.webhook_fields import USED_FIELDS, parse_fields
from application.ports.webhooks import SignatureCoverage, SignedRequest

_SIGNATURE: Final = "x-twilio-signature"
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]\s]+)(?P<port>:\d{1,5})?"
    r"(?P<rest>[/?].*|)",
    re.DOTALL,
)
_STANDARD_PORTS: Final = {"http": ":80", "https": ":443"}


class TwilioSignatures:
    """Verify that Twilio sent a request, for this account.

    The `twilio` package computes signatures. Its `validate` does not do the rest: it drops fields
    that occur twice, an empty query and the brackets of an IPv6 host, does not look at a body
    without fields, and raises on what it cannot encode.

    - The algorithm is always HMAC-SHA1: the header that names another one is not signed.
    - Twilio signs the URL with or without the port (the same page), so either is right.
    - A field that the service uses occurs once. Two values would leave open which one counts.
    - JSON is signed by the hash of its body, in the query.
    """

    signature_coverage: Final = SignatureCoverage(time=False)

    def __init__(self, account_sid: str, auth_token: str, secondary_auth_token: str = "") -> None:
        """Accept both tokens while one is rotated; an empty token signs nothing."""
        self._account_sid = account_sid
        self._validators = [
            RequestValidator(token) for token in (auth_token, secondary_auth_token) if token
        ]

    def verify(self, request: SignedRequest) -> bool:
        try:
            if not self._is_signed(request):
                return False
            fields = parse_fields(request)
        # Text that cannot be encoded, an invalid URL, and JSON that is invalid or nested too deep.
        except (ValueError, RecursionError):
            return False
        counts = Counter(name for name, _ in fields)
        return ("AccountSid", self._account_sid) in fields and all(
            counts[name] <= 1 for name in USED_FIELDS
        )

    def _is_signed(self, request: SignedRequest) -> bool:
        signature = request.headers.get(_SIGNATURE, "").encode()
        fields = _FormFields(request.form)
        # All are compared, so that the time does not depend on which one is right.
        matches = [
            hmac.compare_digest(
                validator.compute_signature(url, fields, HMAC_SHA1).encode(), signature
            )
            for url in _signed_urls(request.url)
            for validator in self._validators
        ]
        return any(matches)


class _FormFields(dict[str, list[str]]):
    """Fields as the package reads them: all values of a name."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in fields:
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


def _signed_urls(url: str) -> Iterator[str]:
    match = _URL.fullmatch(url)
    if match is None:
        return
    for port in ("", match["port"] or _STANDARD_PORTS[match["scheme"]]):
        yield f"{match['scheme']}://{match['host']}{port}{match['rest']}"
