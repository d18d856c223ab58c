"""Record what a message provider reports."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.otp.delivery_status import ReportDelivery
from application.ports.status_callbacks import StatusCallbacks
from application.ports.webhook_signatures import SignedRequest

_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class RecordMessageStatus:
    """Record the status of a message, which one of the providers reports.

    The request is authentic if one provider recognizes it. An error code that is not a short word
    is left out: clients see it.
    """

    status_callbacks: Sequence[StatusCallbacks]
    report_delivery: ReportDelivery

    async def __call__(self, report_id: str, request: SignedRequest) -> bool:
        """Record the status, and return whether the request is authentic.

        Raises:
            StorageError
            CorruptRecord
        """
        read = (callbacks.read_status(request) for callbacks in self.status_callbacks)
        message = next((status for status in read if status is not None), None)
        if message is None:
            return False
        if report_id and message.status is not None:
            code = message.error_code if _ERROR_CODE.fullmatch(message.error_code) else None
            await self.report_delivery(report_id, message.status, code)
        return True
