"""Limits in Redis pass the whole suite of limit stores, as an adapter of somebody else does."""

from tests.support.adapter_runs import run_contract_tests
from tests.support.redis_limits import open_limits_of_suites

FACTORY = f"{open_limits_of_suites.__module__}:{open_limits_of_suites.__name__}"


def test_limits_in_redis_keep_all_promises(redis_url: str) -> None:
    run = run_contract_tests(FACTORY, "limits", environ={"REDIS_URL": redis_url})

    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout
