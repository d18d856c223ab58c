"""A policy of the core with the decisions that a test is about."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from application.identities.feature import IdentitiesPolicy
from application.otp.feature import OtpPolicy

P = TypeVar("P", bound="CorePolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePolicy:
    """What the operator decides about the core."""

    identities: IdentitiesPolicy = field(default_factory=IdentitiesPolicy)
    otp: OtpPolicy = OtpPolicy()


def make_core_policy(**decisions: Any) -> CorePolicy:
    """Return a policy. Each decision goes to the parts that have its name."""
    return decide(CorePolicy, decisions)


def decide(policy_type: type[P], decisions: dict[str, Any]) -> P:
    """Return a policy of this type. Each decision goes to the parts that have its name."""
    defaults = policy_type()
    policies: dict[str, Any] = {}
    known = set[str]()
    for part in fields(defaults):
        policy = getattr(defaults, part.name)
        names = {each.name for each in fields(policy)}
        known |= names
        decided = {name: value for name, value in decisions.items() if name in names}
        policies[part.name] = replace(policy, **decided)
    assert decisions.keys() <= known, decisions.keys() - known
    return replace(defaults, **policies)
