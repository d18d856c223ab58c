"""Operations build themselves: readiness, the cleanup, and the call log, which outlives calls."""

from dataclasses import dataclass
from datetime import timedelta

from application.media.feature import MediaFeature
from application.operations.call_log import ListCalls, OpenRecording
from application.operations.check_readiness import CheckReadiness
from application.operations.clean_up_calls import (
    DEFAULT_CALL_RETENTION,
    DEFAULT_RECORDING_RETENTION,
    CleanUpCalls,
)
from application.operations.cleanup import Cleanup, ScheduledCleanup
from application.operations.instances import KeepInstance
from application.phone_change.complete import CompletePhoneChange
from application.ports.media import MediaFiles
from application.ports.repositories import Repositories
from application.ports.system import HealthCheck, SystemPorts
from application.ports.voice import Recordings
from application.record_act import RecordAct


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsPorts:
    """What operations need of the outside world, besides the database.

    `recordings` are those of the provider, also where no calls are answered any more; None where
    the settings name none. `limit_store_health` is None where the database keeps the limits,
    `calls_health` where no provider of calls can be checked, `attestation_health` where none checks
    proofs. `disk_health` finds disks that have little space left. `Readiness` has the flags. The
    record of each process has the version.
    """

    media_files: MediaFiles
    media_health: HealthCheck
    messenger_health: HealthCheck
    limit_store_health: HealthCheck | None = None
    calls_health: HealthCheck | None = None
    disk_health: HealthCheck | None = None
    attestation_health: HealthCheck | None = None
    is_database_shared: bool = False
    is_media_shared: bool = True
    recordings: Recordings | None = None
    program_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsPolicy:
    """How long calls and recordings are kept."""

    call_retention: timedelta = DEFAULT_CALL_RETENTION
    recording_retention: timedelta = DEFAULT_RECORDING_RETENTION


class OperationsFeature:
    """The use cases of operators, and the call log."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: OperationsPorts,
        policy: OperationsPolicy,
        media: MediaFeature,
        record_act: RecordAct,
        complete_phone_change: CompletePhoneChange,
    ) -> None:
        calls, clock = repositories.calls, system.clock
        self.check_readiness = CheckReadiness(
            repositories.health,
            ports.media_health,
            ports.messenger_health,
            ports.limit_store_health,
            ports.calls_health,
            ports.disk_health,
            ports.attestation_health,
            is_database_shared=ports.is_database_shared,
            is_media_shared=ports.is_media_shared,
        )
        self.cleanup = Cleanup(
            repositories,
            ports.media_files,
            media.mark_for_deletion,
            media.retry_deletions,
            media.quota,
            CleanUpCalls(
                calls,
                ports.recordings,
                clock,
                policy.call_retention,
                policy.recording_retention,
            ),
            complete_phone_change,
            clock,
        )
        self.scheduled_cleanup = ScheduledCleanup(self.cleanup, repositories.leases, clock)
        self.instance = KeepInstance(
            repositories.instances, system.randomness, clock, ports.program_version
        )
        self.list_calls = ListCalls(calls)
        self.open_recording = OpenRecording(calls, ports.recordings, record_act)
