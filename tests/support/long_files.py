"""Test files that take ten seconds or more; they start first."""

from typing import Final

LONG_FILES: Final = frozenset(
    {
        "test_blocking",
        "test_call_in_terminal",
        "test_described_api",
        "test_failover",
        "test_killed_at_every_step",
        "test_library",
        "test_library_machine",
        "test_account_enumeration",
        "test_operators",
        "test_rate_limits",
        "test_running",
        "test_sign_in_machine",
        "test_start",
        "test_startup_errors",
        "test_test_otps",
        "test_unavailable_parts",
        "test_unusual_requests",
        "test_users_machine",
    }
)
