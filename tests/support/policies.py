"""A policy of the core and of all features with the decisions that a test is about."""

from dataclasses import dataclass, field
from typing import Any

from application.features.events.feature import EventsPolicy
from application.features.media.feature import MediaPolicy
from application.features.passkeys.feature import PasskeysPolicy
from application.features.statistics.feature import StatisticsPolicy
from application.features.voice.calls import CallsPolicy
from application.features.voice.feature import VoicePolicy
from tests.support.core_policy import CorePolicy, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CorePolicy):
    """What the operator decides, by feature."""

    media: MediaPolicy = field(default_factory=MediaPolicy)
    calls: CallsPolicy = field(default_factory=CallsPolicy)
    events: EventsPolicy = field(default_factory=EventsPolicy)
    passkeys: PasskeysPolicy = PasskeysPolicy(
        enrolment_url="https://example.org/console/passkeys/enrol"
    )
    statistics: StatisticsPolicy = field(default_factory=StatisticsPolicy)
    voice: VoicePolicy | None = VoicePolicy(provider="line")


def make_policy(**decisions: Any) -> Policy:
    """Return a policy with a phone line. Each decision goes to the features that have its name."""
    return decide(Policy, decisions)
