"""Records in which each field has a value other than its default, and each kind of value occurs.

No service makes all of them: an identity is not blocked and deleted, for example.
"""

from datetime import timedelta
from typing import Any, Final

from domain.identities.device_token import RecognizedDevice
from domain.identities.identity import Consent, Role, UsedChallenge
from domain.identities.session import RefreshTokenFamily
from domain.media.item import ItemState
from domain.otp.attempt_counters import AttemptCounter, CounterKind
from domain.otp.challenge import Login
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from domain.otp.failures import DeviceFailures, Failures
from domain.otp.phone_verification import PhoneVerification, TrustedIp
from domain.voice.call import PendingEffect
from tests.support.builders import (
    NOW,
    a_call,
    a_callback,
    a_challenge,
    a_delivery,
    a_delivery_report,
    a_hashed_ip,
    a_phone,
    a_session,
    a_user,
    an_id,
    an_identity,
    an_item,
)
from tests.support.full_call import EFFECTS, FULL_CALL, MENU

_MINUTE: Final = timedelta(minutes=1)

FULL_VERIFICATION: Final = PhoneVerification(
    challenges=(
        a_challenge(used_at=NOW, login=Login(an_id(5), an_id(6), "a request")),
        a_challenge(id=an_id(2), nonce=b"\0\xff" * 8),
        a_challenge(id=an_id(3), used_at=NOW, login=Login(an_id(5), an_id(7))),
    ),
    deliveries=(
        a_delivery(
            attempt_limit=2,
            device_id="a device",
            uses_own_quota=True,
            counters=tuple(
                AttemptCounter(kind, f"id of {kind}", 5, 3, "a digest", NOW) for kind in CounterKind
            ),
        ),
        a_delivery(request_id="by IPv6", client_ip=a_hashed_ip("2001:db8:1:2::/64")),
        a_delivery(
            request_id="a call",
            sent_at=NOW + timedelta(days=1),
            channel=Channel.VOICE,
            call_id=an_id(4),
        ),
    ),
    shared_attempts=(NOW, NOW + _MINUTE),
    failures=Failures(7, NOW, (DeviceFailures("a device", 3, NOW),)),
    trusted_ips=(TrustedIp("a hash", NOW), TrustedIp("another hash", NOW + _MINUTE)),
    identity_id=an_id(3),
    blocked_at=NOW + timedelta(days=1),
    callbacks=(
        a_callback(),
        a_callback(
            challenge=a_challenge(used_at=NOW, login=Login(an_id(5), an_id(6))),
            requested_at=NOW + _MINUTE,
            call_id=an_id(7),
            counter=AttemptCounter(CounterKind.CALLBACK, an_id(7), 5, 3, "a digest", NOW),
        ),
    ),
)
FULL_IDENTITY: Final = an_identity(
    phone=a_phone(2671),
    role=Role.ADMINISTRATOR,
    user=a_user("Zoë 👩‍🚀"),
    sessions=(
        a_session(
            device="Pixel 8",
            last_used_at=NOW + _MINUTE,
            token_family=RefreshTokenFamily(bytes(range(16)), NOW + _MINUTE, 7, is_confirmed=False),
            idle_expires_at=NOW + 2 * _MINUTE,
        ),
        a_session(id=an_id(2)),
    ),
    devices=(RecognizedDevice("a device", an_id(2), NOW), RecognizedDevice("2", "3", NOW)),
    used_challenges=(UsedChallenge(an_id(3), NOW), UsedChallenge(an_id(4), NOW + _MINUTE)),
    deleted_at=NOW + _MINUTE,
    purged_at=NOW + 2 * _MINUTE,
    blocked_at=NOW + 3 * _MINUTE,
    detached_at=NOW + 4 * _MINUTE,
    last_used_at=NOW + 5 * _MINUTE,
    is_verified=False,
    consent=Consent("You agree, Zoë.", "en-IN", NOW),
)
FULL_ITEM: Final = an_item(
    category=" Räder\n",
    state=ItemState.DELETION_REFUSED,
    deletion_requested_at=NOW + _MINUTE,
)
FULL_REPORT: Final = a_delivery_report(
    status=ReportedStatus.UNDELIVERED, error_code="30003", visible_at=NOW + _MINUTE
)
FULL_RECORDS: Final[dict[str, list[Any]]] = {
    "phone_verifications": [FULL_VERIFICATION],
    "identities": [FULL_IDENTITY],
    "media_items": [FULL_ITEM],
    "calls": [
        FULL_CALL,
        *(a_call(pending_effect=PendingEffect(MENU, effect, NOW)) for effect in EFFECTS[1:]),
    ],
    "delivery_reports": [FULL_REPORT],
}
"""All of them, by the name of their table or collection."""
