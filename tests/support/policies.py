"""A policy of the decisions that a test is about."""

from dataclasses import fields
from typing import Any, Final

from application.costs.feature import CostsPolicy
from application.events.feature import EventsPolicy
from application.identities.feature import IdentitiesPolicy
from application.media.feature import MediaPolicy
from application.operations.feature import OperationsPolicy
from application.otp.feature import OtpPolicy
from application.use_cases import Policy
from application.voice.feature import VoicePolicy

FEATURES: Final[dict[str, type[Any]]] = {
    "identities": IdentitiesPolicy,
    "media": MediaPolicy,
    "otp": OtpPolicy,
    "operations": OperationsPolicy,
    "costs": CostsPolicy,
    "events": EventsPolicy,
    "voice": VoicePolicy,
}


def make_policy(**decisions: Any) -> Policy:
    """Return a policy with a phone line. Each decision goes to the features that have its name."""
    policies: dict[str, Any] = {}
    known = set[str]()
    for feature, policy_type in FEATURES.items():
        names = {field.name for field in fields(policy_type)}
        known |= names
        of_feature = {name: value for name, value in decisions.items() if name in names}
        policies[feature] = policy_type(**of_feature)
    assert decisions.keys() <= known, decisions.keys() - known
    return Policy(**policies)
