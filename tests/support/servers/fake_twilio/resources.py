"""Twilio's resources, with the fields that identify them and that clients decide by."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

API_VERSION: Final = "2010-04-01"

Resource = dict[str, Any]


def message_resource(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/messaging/api/message-resource, after its creation."""
    service = form.get("MessagingServiceSid")
    return {
        **_created(account, "SM", "Messages", form),
        "body": form["Body"],
        "messaging_service_sid": service,
        "status": "accepted" if service else "queued",
    }


def call_resource(account: str, form: Mapping[str, str]) -> Resource:
    """https://www.twilio.com/docs/voice/api/call-resource, after its creation."""
    return {**_created(account, "CA", "Calls", form), "status": "queued"}


def numbers_resource(
    account: str, numbers: Mapping[str, bool], voice_url: str, *, has_voice: bool
) -> Resource:
    """https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource, a list."""
    return {
        "incoming_phone_numbers": [
            {
                "account_sid": account,
                "sid": f"PN{uuid4().hex}",
                "phone_number": number,
                "capabilities": {"voice": has_voice, "sms": has_sms, "mms": has_sms, "fax": False},
                "voice_url": voice_url,
            }
            for number, has_sms in numbers.items()
        ],
        "next_page_uri": None,
    }


def account_resource(account: str) -> Resource:
    """https://www.twilio.com/docs/iam/api/account, without its token."""
    return {"sid": account, "auth_token": None, "status": "active", "type": "Full"}


def _created(account: str, prefix: str, kind: str, form: Mapping[str, str]) -> Resource:
    sid = f"{prefix}{uuid4().hex}"
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "direction": "outbound-api",
        "error_code": None,
        "from": form.get("From"),
        "sid": sid,
        "to": form["To"],
        "uri": f"/{API_VERSION}/Accounts/{account}/{kind}/{sid}.json",
    }
