"""Test files that take ten seconds or more; they start first."""

from typing import Final

LONG_FILES: Final = frozenset(
    {
        "test_blocking",
        "test_broken_parts",
        "test_budgets",
        "test_description_kept",
        "test_description_of_broken_parts",
        "test_description_of_odd_requests",
        "test_killed_at_every_step",
        "test_library",
        "test_library_machine",
        "test_mongo_races",
        "test_mongo_stopped",
        "test_nothing_is_told",
        "test_operators",
        "test_running",
        "test_senders_in_order",
        "test_sign_in_machine",
        "test_start",
        "test_startup_errors",
        "test_test_numbers",
        "test_users_machine",
    }
)
