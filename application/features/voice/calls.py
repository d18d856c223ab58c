"""Build the use cases of the call log. Calls are kept also after the phone line has gone."""

from dataclasses import dataclass
from datetime import timedelta

from application.features.voice.call_log import ListCalls, OpenRecording
from application.features.voice.cleanup import (
    DEFAULT_CALL_RETENTION,
    DEFAULT_RECORDING_RETENTION,
    CleanUpCalls,
)
from application.features.voice.export import ExportCalls
from application.features.voice.ports import Recordings, VoiceRepositories
from application.operations.cleanup import expire
from application.update import change
from application.use_cases import UseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsPolicy:
    """How long calls and recordings are kept."""

    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION


class CallsFeature:
    """The use cases of the call log.

    `recordings` are those of the provider, also where no calls are answered any more; None where
    the settings name none.
    """

    def __init__(
        self,
        core: UseCases,
        repositories: VoiceRepositories,
        recordings: Recordings | None,
        policy: CallsPolicy,
    ) -> None:
        self.calls = calls = repositories.calls
        self.recordings = recordings
        self.list_calls = ListCalls(calls)
        self.open_recording = OpenRecording(calls, recordings, core.record_act)
        self.clean_up_calls = CleanUpCalls(
            calls,
            recordings,
            core.system.clock,
            policy.call_retention,
            policy.recording_retention,
        )
        core.administration.export_parts.append(ExportCalls(calls, recordings))
        core.identities.extensions.after_login_by_call.append(self._mark_verified)
        core.operations.cleanup.add_steps({"expired_webhooks": expire(repositories.used_webhooks)})
        core.operations.cleanup.add_final(self.clean_up_calls)
        core.operations.cleanup.on_purge(self.clean_up_calls.forget_identity)

    async def _mark_verified(self, call_id: str, identity_id: str) -> None:
        """Mark the call that read the code of a login as that of the identity."""
        await change(
            self.calls, call_id, lambda call: (call and call.verify_caller(identity_id), None)
        )
