"""The URLs that providers request."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Final

from application.ports.keyed_hashes import KeyedHashes
from application.ports.otp import CodeMessage
from domain.phone import PhoneNumber

_COUNTRY: Final = re.compile(r"[A-Z]{2}|001")
_PHONE_HASH: Final = re.compile(r"[0-9a-f]{16}")
_REFERENCE: Final = re.compile(
    rf"(?P<named>([0-9a-f]{{32}})(?:-({_COUNTRY.pattern}))?(?:-({_PHONE_HASH.pattern}))?)"
    r"-(?P<signature>[0-9a-f]{10})"
)


@dataclass(frozen=True, slots=True)
class PhoneLabels:
    """What the log says of the phone of a delivery when its report arrives.

    It is in the URL of the report or in its reference, which the provider signs: no record is read
    for it.
    """

    country: str
    phone_hash: str


StatusUrl = Callable[[str, PhoneLabels], str]
"""Returns the URL for the reports of a message, by the id of its report."""


def parse_phone_labels(parameters: Mapping[str, str]) -> PhoneLabels:
    """Parse the query parameters of a signed URL. What is missing or invalid is empty."""
    country, phone_hash = parameters.get("country", ""), parameters.get("phone_hash", "")
    return PhoneLabels(
        country if _COUNTRY.fullmatch(country) else "",
        phone_hash if _PHONE_HASH.fullmatch(phone_hash) else "",
    )


def make_reference(keyed_hashes: KeyedHashes, report_id: str, labels: PhoneLabels) -> str:
    """Return what names a delivery in the reports of providers that have one URL for all.

    It has a signature: other services, or another deployment, may use the account too, and get the
    reports of all messages.
    """
    named = "-".join(filter(None, (report_id, labels.country, labels.phone_hash)))
    return f"{named}-{_sign_reference(keyed_hashes, named)}"


def name_message(
    message: CodeMessage,
    report_id: str,
    phone: PhoneNumber,
    today: date,
    keyed_hashes: KeyedHashes,
    status_url: StatusUrl,
) -> CodeMessage:
    """Return a message with what names it in the reports of its provider."""
    labels = PhoneLabels(phone.country, keyed_hashes.hash_phone_of_day(phone, today))
    return replace(
        message,
        reference=make_reference(keyed_hashes, report_id, labels),
        status_url=status_url(report_id, labels),
    )


def parse_reference(keyed_hashes: KeyedHashes, reference: str) -> tuple[str, PhoneLabels] | None:
    """Return the id of the report and the labels, None if it names no delivery of ours."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    expected = _sign_reference(keyed_hashes, match["named"])
    if not hmac.compare_digest(expected, match["signature"]):
        return None
    return match[2], PhoneLabels(match[3] or "", match[4] or "")


def _sign_reference(keyed_hashes: KeyedHashes, named: str) -> str:
    # A reference has 64 characters. What keeps strangers out is the signature of the provider.
    return keyed_hashes.sign_url(f"message\n{named}")[:10]


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """The webhooks under the public URL, which has no slash at its end.

    Parameters are in alphabetical order: Twilio is reported to sort them before it requests the
    URL, and to sign it as it was given. Then both are the same.
    """

    public_url: str

    def sms_status(self, report_id: str, labels: PhoneLabels) -> str:
        return self.status_url("/sms/status", report_id, labels)

    def status_url(self, path: str, report_id: str, labels: PhoneLabels) -> str:
        return self.make_url(path, delivery=report_id, **asdict(labels))

    def sms_statuses(self) -> str:
        """Return the URL for the statuses of all messages, at providers that have one URL."""
        return self.make_url("/sms/status")

    def make_url(self, path: str, **parameters: str | int) -> str:
        """Return the URL of a path with parameters, whose values need no escaping."""
        query = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
        return f"{self.public_url}{path}" + (f"?{query}" if query else "")
