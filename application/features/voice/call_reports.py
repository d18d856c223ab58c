"""Record what the provider reports of a call."""

from dataclasses import dataclass
from datetime import datetime

from application.features.voice.call_limiter import CallLimiter
from application.features.voice.ports import Calls
from application.otp.delivery_status import ReportDelivery, ReportedDelivery
from application.ports.system import Clock
from application.update import change
from application.webhook_urls import PhoneLabels
from domain.features.voice.call import Call, CallStatus
from domain.features.voice.step import Recorded
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus


@dataclass(frozen=True, slots=True)
class CallReports:
    """Record what the provider reports of calls. Reports of unknown calls are ignored."""

    calls: Calls
    call_limiter: CallLimiter
    report_delivery: ReportDelivery
    clock: Clock
    provider: str

    async def record_status(
        self,
        call_id: str,
        status: CallStatus,
        *,
        provider_call_id: str,
        labels: PhoneLabels,
    ) -> None:
        """Record the status. It never goes backwards. That of another call is ignored.

        The report of a delivery that is a call follows: the code counts as delivered once it was
        read. The line of a call that ended is free again.
        """
        now = self.clock.now()

        def advance(
            call: Call | None,
        ) -> tuple[Call | None, tuple[Call, datetime | None] | None]:
            if call is None or not call.may_have_provider_call_id(provider_call_id):
                return call, None
            advanced = call.advance_status(status, now)
            ended_line = call.line_acquired_at if advanced.line_acquired_at is None else None
            return advanced, (advanced, ended_line)

        result = await change(self.calls, call_id, advance)
        if result is None:
            return
        call, ended_line = result
        await self.call_limiter.release_line(ended_line)
        if call.report_id is not None:
            delivery = ReportedDelivery(
                labels=labels,
                channel=Channel.VOICE,
                provider=self.provider,
                provider_message_id=call.provider_call_id or "",
            )
            await self.report_delivery(call.report_id, _to_reported(call), delivery)

    async def keep_recording(self, call_id: str, recorded: Recorded) -> None:
        """Keep the reference to a recording, once.

        The caller may hang up while recording: then nothing else reports it.
        """
        now = self.clock.now()
        await change(
            self.calls, call_id, lambda call: (call and call.keep_recording(recorded, now), None)
        )


def _to_reported(call: Call) -> ReportedStatus:
    match call.status:
        case CallStatus.QUEUED:
            return ReportedStatus.QUEUED
        case CallStatus.RINGING | CallStatus.IN_PROGRESS:
            return ReportedStatus.SENT
        case CallStatus.FAILED | CallStatus.CANCELED:
            return ReportedStatus.FAILED
        case CallStatus.COMPLETED | CallStatus.BUSY | CallStatus.NO_ANSWER:
            return ReportedStatus.DELIVERED if call.has_read_code else ReportedStatus.UNDELIVERED
