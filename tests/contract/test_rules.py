"""The rules of each database."""

import asyncio
from datetime import timedelta
from typing import Final

from adapters.records.database import Database
from adapters.records.features.rules import make_rules_repositories
from application.update import change
from domain.administration.audit import Actor, ActorKind
from domain.rules.changeable_limits import SubjectKind
from domain.rules.errors import TooManyRules
from domain.rules.rule import Rule, RuleKind, RuleOrder
from domain.rules.rule_set import MAX_RULES, RULES_ID, RuleSet
from tests.support.builders import NOW, an_id

BLOCK: Final = RuleOrder(kind=RuleKind.BLOCK, subject_kind=SubjectKind.PREFIX, subject="+4479")
LOWER: Final = RuleOrder(
    kind=RuleKind.LOWER, subject_kind=SubjectKind.TOTAL, limit="unverified_total", value=50
)


def a_rule(number: int) -> Rule:
    return Rule(
        id=an_id(number),
        order=(BLOCK, LOWER)[number % 2],
        reason="a test",
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "support"),
        ends_at=NOW + number * timedelta(hours=1),
    )


async def test_of_sixty_rules_that_are_added_at_once_fifty_are_kept(database: Database) -> None:
    rule_sets = make_rules_repositories(database).rule_sets

    async def add(rule: Rule) -> Rule:
        def add(found: RuleSet | None) -> tuple[RuleSet, Rule]:
            return (found or RuleSet()).add(rule), rule

        return await change(rule_sets, RULES_ID, add)

    results = await asyncio.gather(
        *(add(a_rule(number)) for number in range(1, 61)), return_exceptions=True
    )

    added = [result for result in results if isinstance(result, Rule)]
    rejected = [result for result in results if isinstance(result, TooManyRules)]
    assert (len(added), len(rejected)) == (MAX_RULES, 60 - MAX_RULES)
    loaded = await rule_sets.load(RULES_ID)
    assert loaded is not None
    assert sorted(loaded.value.rules, key=lambda rule: rule.id) == sorted(
        added, key=lambda rule: rule.id
    )
