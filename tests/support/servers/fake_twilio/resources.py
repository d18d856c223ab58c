"""Twilio's resources, with all documented fields."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from uuid import uuid4

API_VERSION: Final = "2010-04-01"
_GSM_SEGMENT, _UCS2_SEGMENT = 160, 70
_CALL_PARTS: Final = (
    "Events",
    "Notifications",
    "Payments",
    "Recordings",
    "Siprec",
    "Streams",
    "Transcriptions",
    "UserDefinedMessageSubscriptions",
    "UserDefinedMessages",
)

Resource = dict[str, Any]


def message_resource(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/messaging/api/message-resource, after its creation."""
    sid = f"SM{uuid4().hex}"
    uri = f"/{API_VERSION}/Accounts/{account}/Messages/{sid}"
    service = form.get("MessagingServiceSid")
    text = form["Body"]
    segment = _GSM_SEGMENT if text.isascii() else _UCS2_SEGMENT
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "body": text,
        "date_created": _now(),
        "date_sent": None,
        "date_updated": _now(),
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": service,
        "num_media": "0",
        # The messaging service has not selected the number yet, so the segments are unknown.
        "num_segments": "0" if service else str(-(-len(text) // segment)),
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": form["To"],
        "uri": f"{uri}.json",
    }


def numbers_resource(
    account: str, numbers: Mapping[str, bool], voice_url: str, *, has_voice: bool
) -> Resource:
    """https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource, a list."""
    uri = f"/{API_VERSION}/Accounts/{account}/IncomingPhoneNumbers.json"
    return {
        "incoming_phone_numbers": [
            {
                "account_sid": account,
                "sid": f"PN{uuid4().hex}",
                "phone_number": number,
                "friendly_name": number,
                "capabilities": {"voice": has_voice, "sms": has_sms, "mms": has_sms, "fax": False},
                "voice_url": voice_url,
            }
            for number, has_sms in numbers.items()
        ],
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": len(numbers) - 1,
        "uri": uri,
    }


def call_resource(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/voice/api/call-resource, after its creation."""
    sid = f"CA{uuid4().hex}"
    uri = f"/{API_VERSION}/Accounts/{account}/Calls/{sid}"
    return {
        "account_sid": account,
        "annotation": None,
        "answered_by": None,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": _now(),
        "date_updated": _now(),
        "direction": "outbound-api",
        "duration": None,
        "end_time": None,
        "forwarded_from": None,
        "from": form["From"],
        "from_formatted": form["From"],
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": f"PN{uuid4().hex}",
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": sid,
        "start_time": None,
        "status": "queued",
        "stir_verstat": None,
        "subresource_uris": {_snake_case(name): f"{uri}/{name}.json" for name in _CALL_PARTS},
        "to": form["To"],
        "to_formatted": form["To"],
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def account_resource(account: str) -> Resource:
    """https://www.twilio.com/docs/iam/api/account, without its token."""
    uri = f"/{API_VERSION}/Accounts/{account}"
    subresources = ("Calls", "Messages", "Recordings")
    return {
        "auth_token": None,
        "date_created": _now(),
        "date_updated": _now(),
        "friendly_name": "Fake",
        "owner_account_sid": account,
        "sid": account,
        "status": "active",
        "subresource_uris": {_snake_case(name): f"{uri}/{name}.json" for name in subresources},
        "type": "Full",
        "uri": f"{uri}.json",
    }


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
