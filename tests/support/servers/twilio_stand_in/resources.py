"""Twilio's resources, with every field that it documents."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from uuid import uuid4

API_VERSION: Final = "2010-04-01"
_GSM_SEGMENT, _UCS2_SEGMENT = 160, 70
_PARTS_OF_A_CALL: Final = (
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


def a_message(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/messaging/api/message-resource, just created."""
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
        # Which sender a service takes, and so how long a segment is, is not known yet.
        "num_segments": "0" if service else str(-(-len(text) // segment)),
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": form["To"],
        "uri": f"{uri}.json",
    }


def a_call(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/voice/api/call-resource, just created."""
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
        "subresource_uris": {_snake(part): f"{uri}/{part}.json" for part in _PARTS_OF_A_CALL},
        "to": form["To"],
        "to_formatted": form["To"],
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def an_account(account: str) -> Resource:
    """https://www.twilio.com/docs/iam/api/account, but for its token."""
    uri = f"/{API_VERSION}/Accounts/{account}"
    parts = ("Calls", "Messages", "Recordings")
    return {
        "auth_token": None,
        "date_created": _now(),
        "date_updated": _now(),
        "friendly_name": "Stand-in",
        "owner_account_sid": account,
        "sid": account,
        "status": "active",
        "subresource_uris": {_snake(part): f"{uri}/{part}.json" for part in parts},
        "type": "Full",
        "uri": f"{uri}.json",
    }


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
