"""What is shown of the rules about the number of a user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.administration.show_user import UserDetails
from application.ports.rules import RulesRepositories
from application.use_cases import UseCases
from domain.identities.identity import Identity
from domain.rules.rule import Rule
from domain.rules.rule_set import RULES_ID, RuleSet


@dataclass(frozen=True, slots=True)
class RulesDetails:
    """The rules at this time."""

    rule_set: RuleSet
    now: datetime


def rules_about(details: UserDetails) -> Sequence[Rule]:
    """Return the rules that change or block something for the number of a user."""
    shown, phone = details.parts.find(RulesDetails), details.user.phone
    if shown is None or phone is None:
        return ()
    return shown.rule_set.about_phone(phone, shown.now)


def add_rules_details(core: UseCases, repositories: RulesRepositories) -> None:
    """Let the core show them. Only records are read."""

    async def load(identity: Identity | None) -> RulesDetails | None:
        del identity  # a phone without an account has rules too
        loaded = await repositories.rule_sets.load(RULES_ID)
        return RulesDetails(loaded.value, core.system.clock.now()) if loaded else None

    core.administration.details_parts.append(load)
