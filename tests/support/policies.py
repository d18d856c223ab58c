"""A policy of the decisions that a test is about."""

from dataclasses import dataclass, field, fields
from typing import Any

from application.costs.feature import CostsPolicy
from application.events.feature import EventsPolicy
from application.identities.feature import IdentitiesPolicy
from application.media.feature import MediaPolicy
from application.otp.feature import OtpPolicy
from application.voice.calls import CallsPolicy
from application.voice.feature import VoicePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decides, by feature."""

    identities: IdentitiesPolicy = field(default_factory=IdentitiesPolicy)
    otp: OtpPolicy = field(default_factory=OtpPolicy)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    calls: CallsPolicy = field(default_factory=CallsPolicy)
    costs: CostsPolicy = field(default_factory=CostsPolicy)
    events: EventsPolicy = field(default_factory=EventsPolicy)
    voice: VoicePolicy | None = field(default_factory=VoicePolicy)


def make_policy(**decisions: Any) -> Policy:
    """Return a policy with a phone line. Each decision goes to the features that have its name."""
    policies: dict[str, Any] = {}
    known = set[str]()
    for of_feature in fields(Policy):
        policy_type: Any = of_feature.default_factory
        names = {each.name for each in fields(policy_type)}
        known |= names
        policies[of_feature.name] = policy_type(
            **{name: value for name, value in decisions.items() if name in names}
        )
    assert decisions.keys() <= known, decisions.keys() - known
    return Policy(**policies)
