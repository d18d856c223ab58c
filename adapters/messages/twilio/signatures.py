"""Twilio's signatures of webhooks: https://www.twilio.com/docs/usage/security."""

import base64
import hmac
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from adapters.messages.twilio.webhook_fields import USED_FIELDS, parse_fields
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

    The validator of the `twilio` package does not do it: it drops fields that occur twice, an empty
    query and the brackets of an IPv6 host, does not look at a body without fields, and raises on
    what is not UTF-8.

    - The signature is over the bytes of the fields, also where they are not UTF-8.
    - The algorithm is always HMAC-SHA1: the header that names another one is not signed.
    - Twilio signs the URL with or without the port (the same page), so either is right.
    - A field that the service uses occurs once. Two values would leave open which one counts.
    - JSON is signed by the hash of its body, in the query.
    """

    signature_coverage: Final = SignatureCoverage(time=False)

    def __init__(self, account_sid: str, *auth_tokens: str) -> None:
        """Accept all tokens: there are two while one is rotated. An empty one signs nothing."""
        self._account_sid = account_sid
        self._tokens = [token.encode() for token in auth_tokens if token]

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
        fields = "".join(name + value for name, value in sorted(set(request.form)))
        # All are compared, so that the time does not depend on which one is right.
        matches = [
            hmac.compare_digest(_sign(token, url + fields), signature)
            for url in _signed_urls(request.url)
            for token in self._tokens
        ]
        return any(matches)


def _sign(token: bytes, text: str) -> bytes:
    return base64.b64encode(hmac.digest(token, text.encode(errors="surrogateescape"), "sha1"))


def _signed_urls(url: str) -> Iterator[str]:
    match = _URL.fullmatch(url)
    if match is None:
        return
    for port in ("", match["port"] or _STANDARD_PORTS[match["scheme"]]):
        yield f"{match['scheme']}://{match['host']}{port}{match['rest']}"
