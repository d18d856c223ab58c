"""The port of budgets: what was taken for calls that have not ended."""

from dataclasses import dataclass
from typing import Protocol

from application.ports.versioned import DeletableRecords, Expiring
from domain.budgets.reserved_call import ReservedCall


class ReservedCalls(DeletableRecords[ReservedCall], Expiring, Protocol):
    """What was taken for calls, by the id of the call."""


@dataclass(frozen=True, slots=True)
class BudgetsRepositories:
    """The repositories of budgets."""

    reserved_calls: ReservedCalls
