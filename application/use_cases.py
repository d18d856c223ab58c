"""All use cases, by feature. Each feature builds its own from its ports and its policy."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from application.administration.feature import AdministrationFeature
from application.console.feature import ConsoleFeature
from application.costs.feature import CostsFeature, CostsPolicy
from application.events.feature import EventsFeature, EventsPolicy, EventsPorts
from application.export.feature import ExportFeature
from application.identities.feature import IdentitiesFeature, IdentitiesPolicy, IdentitiesPorts
from application.imports.feature import ImportsFeature
from application.journal.feature import JournalFeature
from application.journal.write_acts import WriteActs
from application.media.feature import MediaFeature, MediaPolicy, MediaPorts
from application.moderation.feature import ModerationFeature
from application.operations.feature import OperationsFeature, OperationsPolicy, OperationsPorts
from application.otp.feature import OtpFeature, OtpPolicy, OtpPorts
from application.phone_change.feature import PhoneChangeFeature
from application.ports.costs import CostMeter
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.ports.voice import VoicePorts
from application.record_act import RecordAct
from application.statistics.feature import StatisticsFeature
from domain.statistics.hourly_counts import HourlySums

if TYPE_CHECKING:
    from application.voice.feature import VoiceFeature, VoicePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of all features: adapters in production, fakes in tests.

    `hourly_sums` is what the security events of `system` are counted in. `voice` is None where no
    calls are answered, `cost_meter` where there are no metrics, `write_acts` where there is no
    journal: the repositories tell it of changes.
    """

    system: SystemPorts
    repositories: Repositories
    identities: IdentitiesPorts
    media: MediaPorts
    otp: OtpPorts
    operations: OperationsPorts
    hourly_sums: HourlySums
    events: EventsPorts = field(default_factory=EventsPorts)
    voice: VoicePorts | None = None
    cost_meter: CostMeter | None = None
    write_acts: WriteActs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decides, by feature. `voice` is None where no calls are answered."""

    identities: IdentitiesPolicy = field(default_factory=IdentitiesPolicy)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    otp: OtpPolicy = field(default_factory=OtpPolicy)
    operations: OperationsPolicy = field(default_factory=OperationsPolicy)
    costs: CostsPolicy = field(default_factory=CostsPolicy)
    events: EventsPolicy = field(default_factory=EventsPolicy)
    voice: "VoicePolicy | None" = None


class UseCases:
    """Every feature with its use cases. `voice` is None where no calls are answered."""

    def __init__(self, ports: Ports, policy: Policy) -> None:
        system, repositories = ports.system, ports.repositories
        record_act = RecordAct(repositories.audit_log, system.clock, system.randomness)
        self.media = MediaFeature(system, repositories, ports.media, policy.media, record_act)
        self.moderation = ModerationFeature(repositories, self.media, record_act)
        self.identities = IdentitiesFeature(
            system,
            repositories,
            ports.identities,
            policy.identities,
            self.media.mark_for_deletion,
            ports.otp.keyed_hashes,
            record_act,
            voice_provider=policy.otp.voice_provider,
        )
        self.imports = ImportsFeature(
            system,
            repositories,
            policy.identities,
            ports.otp.keyed_hashes,
            record_act,
            self.identities.operator_actions,
            self.media,
            ports.media,
            policy.media,
        )
        self.costs = CostsFeature(system, repositories, policy.costs, ports.cost_meter)
        self.statistics = StatisticsFeature(system, repositories, ports.hourly_sums)
        self.otp = OtpFeature(
            system, repositories, ports.otp, policy.otp, self.identities, self.costs.count
        )
        self.phone_change = PhoneChangeFeature(
            system,
            repositories,
            ports.otp,
            policy.identities,
            self.identities,
            self.otp,
            self.costs.count,
            record_act,
        )
        self.events = EventsFeature(system, repositories, ports.events, policy.events)
        self.operations = OperationsFeature(
            system,
            repositories,
            ports.operations,
            policy.operations,
            self.media,
            record_act,
            self.phone_change.complete,
        )
        self.administration = AdministrationFeature(
            system,
            repositories,
            ports.otp.keyed_hashes,
            self.identities,
            self.otp,
            self.phone_change,
            record_act,
            quota=policy.media.quota,
            call_retention=policy.operations.call_retention,
        )
        self.console = ConsoleFeature(system, repositories, policy.identities, self.otp.check_otp)
        self.export = ExportFeature(system, repositories, ports.operations, self.administration)
        self.journal = JournalFeature(
            repositories, ports.write_acts, self.administration.act_for_users, self.moderation.items
        )
        self.voice = _build_voice(ports, policy, self.otp, self.costs)


def _build_voice(
    ports: Ports, policy: Policy, otp: OtpFeature, costs: CostsFeature
) -> "VoiceFeature | None":
    if ports.voice is None or policy.voice is None:
        return None
    # Imported only here: most services answer no calls, and the phone line is large.
    from application.voice.feature import VoiceFeature

    return VoiceFeature(ports.system, ports.repositories, ports.voice, policy.voice, otp, costs)
