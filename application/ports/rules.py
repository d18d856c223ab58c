"""The port of rules: one record that has all of them."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import Records
from domain.rules.rule_set import RuleSet


class RuleSets(Records[RuleSet], Protocol):
    """The record with all rules, by `RULES_ID`."""


@dataclass(frozen=True, slots=True)
class RulesRepositories:
    """The repositories of rules."""

    rule_sets: RuleSets
