"""The id of a request as clients have it: 64 hex digits, which also name the report.

The first half is the id of the request. With it an attempt can be made, so it is not what the
provider gets and keeps in its logs. The provider gets the second half, the id of the report: a hash
of the id of the request that caused the delivery. So a report is found without an index of ids,
and a request for a code writes nothing for it.
"""

import re
from typing import Final

_REQUEST_ID: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})\Z")


def parse_request_id(text: str) -> str:
    """Return the id of a request, without that of the report. Any other text is unchanged.

    It is then an unknown id, and no code is correct with it.
    """
    match = _REQUEST_ID.match(text)
    return match[1] if match else text


def parse_report_id(text: str) -> str | None:
    """Return the id of the report that a client's request id names, or None without one."""
    match = _REQUEST_ID.match(text)
    return match[2] if match else None
