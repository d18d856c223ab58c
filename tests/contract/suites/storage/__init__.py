"""The suites of databases, and of limit stores without records beside them."""

from typing import Final

from adapters.databases.records.database import Database
from application.ports.limits import LimitStore
from tests.contract.suites.port import Port

_LIMITS: Final = (
    "test_limit_store.py",
    "test_limits_crash.py",
    "test_health_check.py",
    "test_storage_errors.py",
    "test_unanswered_permits.py",
)

PORTS: Final = (
    Port("database", "DIALTONE_DATABASE", Database, ("storage",)),
    Port(
        "limits",
        "DIALTONE_LIMIT_STORE",
        LimitStore,
        tuple(f"storage/{name}" for name in _LIMITS),
    ),
)
