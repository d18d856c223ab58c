"""The records of calls that have not ended, with what was taken of budgets for them."""

from datetime import datetime
from typing import Final

from adapters.records.database import Database
from adapters.records.mapping import RecordMapping
from adapters.records.record_kind import EXPIRES_AT, Index, Record, RecordKind
from adapters.records.record_repository import RecordRepository
from application.ports.budgets import BudgetsRepositories
from domain.budgets.reserved_call import ReservedCall


class ReservedCallRecord(Record, kw_only=True):
    """What was taken for a call, by our id of the call."""

    id: str
    acquired_at: datetime
    country: str
    amount: int
    part: str
    expires_at: datetime


RESERVED_CALLS: Final = RecordKind(
    "budget_calls",
    ReservedCallRecord,
    Index(name="budget_calls_expires_at", order=EXPIRES_AT),
)


def make_budgets_repositories(database: Database) -> BudgetsRepositories:
    """Return the repositories of budgets."""
    mapping = RecordMapping(RESERVED_CALLS, ReservedCall)
    return BudgetsRepositories(reserved_calls=RecordRepository(database.records, mapping))


KINDS: Final = (RESERVED_CALLS,)
