"""Acme's status callbacks: JSON with a signature of the time, the URL and the body."""

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from application.ports.webhooks import MAX_SIGNATURE_AGE, MessageStatus, SignedRequest
from domain.otp.delivery_report import ReportedStatus
from tests.contract.examples.acme_signature import sign_callback

_STATUSES: Final = {
    "queued": ReportedStatus.QUEUED,
    "submitted": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "expired": ReportedStatus.UNDELIVERED,
    "rejected": ReportedStatus.FAILED,
}


class _Callback(msgspec.Struct):
    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class AcmeStatusCallbacks:
    """Verify and read callbacks."""

    secret: str
    now: Callable[[], float] = time.time

    def read_statuses(self, request: SignedRequest) -> Sequence[MessageStatus] | None:
        timestamp = request.headers.get("x-acme-timestamp", "")
        signature = request.headers.get("x-acme-signature", "")
        expected = sign_callback(self.secret, timestamp, request.url, request.body)
        # Bytes: a header can have characters that are not ASCII.
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            return None
        # The signature is right, so the time is a number.
        if abs(self.now() - float(timestamp)) > MAX_SIGNATURE_AGE.total_seconds():
            return None
        try:
            callback = msgspec.json.decode(request.json_text, type=_Callback)
        except (ValueError, RecursionError):
            return None
        return [MessageStatus(_STATUSES.get(callback.state), callback.error)]

    def sign(self, url: str, body: bytes, signed_at: datetime) -> SignedRequest:
        """Return a callback with this body."""
        timestamp = str(int(signed_at.timestamp()))
        signature = sign_callback(self.secret, timestamp, url, body)
        headers = {"x-acme-timestamp": timestamp, "x-acme-signature": signature}
        return SignedRequest(url, headers, body=body)
