"""The suites of databases, and of limit stores without records beside them."""

from typing import Any, Final

from adapters.records.database import Database
from application.ports.limits import LimitStore
from pytest_dialtone.port import Port, has_method

_LIMITS: Final = (
    "test_limit_store.py",
    "test_limits_crash.py",
    "test_health_check.py",
    "test_storage_errors.py",
    "test_unanswered_permits.py",
)


def is_database(adapter: Any) -> bool:
    """Return whether it is the class that has records and limits."""
    return isinstance(adapter, Database)


PORTS: Final = (
    Port("DIALTONE_DATABASE", Database, is_database, ("storage",)),
    Port(
        "DIALTONE_LIMIT_STORE",
        LimitStore,
        has_method("acquire", "release", "next_available"),
        tuple(f"storage/{name}" for name in _LIMITS),
    ),
)
