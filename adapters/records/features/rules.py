"""The record of rules."""

from datetime import datetime
from typing import Final

import msgspec

from adapters.records.administration import ActorRecord
from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import Record, RecordKind
from adapters.records.record_repository import RecordRepository
from application.ports.rules import RulesRepositories
from domain.rules.changeable_limits import SubjectKind
from domain.rules.rule import RuleKind
from domain.rules.rule_set import RuleSet


class OrderRecord(msgspec.Struct, kw_only=True, gc=False):
    """What a rule says."""

    kind: RuleKind
    subject_kind: SubjectKind
    subject: str = ""
    limit: str = ""
    value: int | None = None


class RuleRecord(msgspec.Struct, kw_only=True, gc=False):
    """A rule."""

    id: str
    order: OrderRecord
    reason: str
    created_at: datetime
    created_by: ActorRecord
    ends_at: datetime


class RuleSetRecord(Record, kw_only=True):
    """All rules."""

    id: str
    rules: tuple[RuleRecord, ...] = ()


RULES: Final = RecordKind("rules", RuleSetRecord)


def make_rules_repositories(database: Database) -> RulesRepositories:
    """Return the repositories of rules."""
    mapping = RecordMapping(RULES, RuleSet)
    return RulesRepositories(rule_sets=RecordRepository(database.records, mapping))


KINDS: Final = (RULES,)
