"""The fields of Twilio's requests: https://www.twilio.com/docs/voice/twiml#request-parameters."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from application.ports.webhooks import SignedRequest

USED_FIELDS: Final = frozenset(
    {
        "AccountSid",
        "CallSid",
        "CallStatus",
        "DialCallStatus",
        "Digits",
        "ErrorCode",
        "From",
        "MessageSid",
        "MessageStatus",
        "RecordingDuration",
        "RecordingSid",
        "RecordingStatus",
        "RecordingUrl",
        "SmsStatus",
        "SpeechResult",
        "To",
    }
)
"""The fields that the service reads. None of them may occur twice, and it reads no other."""
SID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
"""The id of a call, a message or a recording."""
_BODY_HASH: Final = "bodySHA256"

FieldPairs = Sequence[tuple[str, object]]


def parse_fields(request: SignedRequest) -> FieldPairs:
    """Return the fields of a form, or of a JSON object whose hash is in the signed URL.

    The value of a field of JSON can be of any type. Without fields, the result is empty.
    """
    if request.form:
        return request.form
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    hashes = [value for name, value in query if name == _BODY_HASH]
    if hashes != [hashlib.sha256(request.body).hexdigest()]:
        return ()
    # The pairs of the outermost object keep the names that occur twice.
    parsed = json.loads(request.json_text, object_pairs_hook=tuple)
    return parsed if isinstance(parsed, tuple) else ()


def read_fields(request: SignedRequest) -> Mapping[str, str]:
    """Return the fields that the service uses; none of a malformed request."""
    try:
        return {
            # A byte that is not UTF-8 is a surrogate, which no database stores.
            name: str(value).encode(errors="replace").decode()
            for name, value in parse_fields(request)
            if name in USED_FIELDS and isinstance(value, str | int)
        }
    except (ValueError, RecursionError):
        return {}


def match_field(pattern: re.Pattern[str], text: str) -> str:
    """Return the text if all of it matches, else an empty one."""
    return text if pattern.fullmatch(text) else ""
