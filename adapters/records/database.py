"""What a database gives: the two stores and its health."""

from dataclasses import dataclass

from adapters.records.record_store import RecordStore
from application.ports.limits import LimitStore
from application.ports.system import HealthCheck


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. The factory of `DIALTONE_DATABASE` yields one."""

    records: RecordStore
    limits: LimitStore
    health: HealthCheck
