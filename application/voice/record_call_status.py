"""Record the status of a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from application.ports.calls import Calls
from application.ports.system import Clock
from application.update import update_call
from domain.errors import CallNotFound
from domain.otp.delivery_report import ReportedStatus
from domain.voice.call import Call, CallStatus
from domain.voice.walk import CallOutcome

_REPORTED: Final = {
    CallStatus.QUEUED: ReportedStatus.QUEUED,
    CallStatus.RINGING: ReportedStatus.SENT,
    CallStatus.IN_PROGRESS: ReportedStatus.SENT,
    CallStatus.COMPLETED: ReportedStatus.UNDELIVERED,
    CallStatus.BUSY: ReportedStatus.UNDELIVERED,
    CallStatus.NO_ANSWER: ReportedStatus.UNDELIVERED,
    CallStatus.FAILED: ReportedStatus.FAILED,
    CallStatus.CANCELED: ReportedStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class RecordCallStatus:
    """Record the status that the provider reports. It never goes backwards.

    The report of a delivery that is a call follows: the code counts as delivered once it was read.
    """

    calls: Calls
    report_delivery: Callable[[str, ReportedStatus, str | None], Awaitable[None]]
    clock: Clock

    async def __call__(self, call_id: str, status: CallStatus) -> None:
        """Record the status. That of an unknown call, such as a rejected one, is ignored.

        Raises:
            StorageError
        """

        def advance(call: Call) -> Call:
            return call.advance_status(status, self.clock.now())

        try:
            call = await update_call(self.calls, call_id, advance)
        except CallNotFound:
            return
        if call.report_id is not None:
            await self.report_delivery(call.report_id, _to_reported(call), None)


def _to_reported(call: Call) -> ReportedStatus:
    if call.status is CallStatus.COMPLETED and call.outcome is CallOutcome.CODE_READ:
        return ReportedStatus.DELIVERED
    return _REPORTED[call.status]
