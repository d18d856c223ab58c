"""`make test-adapter` accepts adapters that keep their promises, and says what others break."""

import asyncio
import re
from typing import Final

import pytest

from tests.adapter_run import SUITES
from tests.contract.external_adapter import DATABASE
from tests.contract.outcomes import observe
from tests.support import shipped_adapters, wrong_adapters
from tests.support.acme_sms import open_acme_messenger
from tests.support.adapter_runs import PROJECT, run_contract_tests
from tests.support.servers.fake_acme import FakeAcme

CONTRACT: Final = PROJECT / "tests/contract"
SHIPPED: Final = shipped_adapters.__name__
WRONG: Final = wrong_adapters.__name__
USES_DATABASE: Final = re.compile("(database: Database|repositories: Repositories)")


def test_all_suites_of_databases_run_with_a_database() -> None:
    suites = {
        path.name for path in CONTRACT.glob("test_*.py") if USES_DATABASE.search(path.read_text())
    }

    assert suites == set(SUITES[DATABASE])
    missing = {
        name for names in SUITES.values() for name in names if not (CONTRACT / name).exists()
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("name", "tests"),
    [
        ("open_sqlite", "sessions or storage or health or parallel_calls or leases"),
        ("open_disk", ""),
        ("open_failover", ""),
    ],
)
def test_our_own_adapters_pass(name: str, tests: str) -> None:
    run = run_contract_tests(f"{SHIPPED}:{name}", "-k", tests)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout


def test_the_adapter_of_an_imaginary_provider_passes_all_tests_of_a_messenger() -> None:
    factory = f"{open_acme_messenger.__module__}:{open_acme_messenger.__name__}"
    with FakeAcme() as acme:
        run = run_contract_tests(factory, environ=acme.environ)

    assert run.returncode == 0, run.stdout + run.stderr
    # Its provider cannot be made to call a number invalid.
    assert re.search(r"passed, 1 skipped in", run.stdout)


@pytest.mark.parametrize(
    ("factory", "name"), [("open_messenger", "RightMessenger"), ("open_limits", "RightLimits")]
)
def test_adapters_without_a_defect_pass(factory: str, name: str) -> None:
    run = run_contract_tests(f"{WRONG}:{factory}", environ={"WRONG_ADAPTER": name})

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("BlockingSend", "whose method send is not async: write `async def send`"),
        ("NoStatusUrl", "which has no send(phone, text, status_url='')"),
    ],
)
def test_an_adapter_that_does_not_fit_its_port_is_not_opened(name: str, words: str) -> None:
    run = run_contract_tests(f"{WRONG}:open_messenger", environ={"WRONG_ADAPTER": name})

    assert run.returncode == 2
    assert run.stderr == (
        f"DIALTONE_SMS: {WRONG}:open_messenger yields {name}, {words}: see docs/adapters.md.\n"
    )


@pytest.mark.parametrize(
    ("factory", "name", "test", "words"),
    [
        (
            "open_messenger",
            "SwallowedErrors",
            "fails_without_a_provider",
            "check returned None, but has to raise MessengerUnavailable",
        ),
        (
            "open_messenger",
            "SuccessForUnknown",
            "nothing_is_accepted",
            "send returned DeliveryResult(status=<DeliveryStatus.ACCEPTED: 'accepted'>",
        ),
        (
            "open_messenger",
            "EndlessRetries",
            "nothing_is_accepted",
            "send did not end within 10 seconds, retries included",
        ),
        (
            "open_messenger",
            "ExceptionFromSend",
            "nothing_is_accepted",
            "send raised ConnectionError. A failure is a DeliveryResult",
        ),
        (
            "open_messenger",
            "NoResult",
            "delivered_to_the_number",
            "send returned True. A failure is a DeliveryResult",
        ),
        (
            "open_messenger",
            "UnsignedStatus",
            "counts_with_its_signature",
            "read_status accepted a callback without a signature",
        ),
        (
            "open_messenger",
            "SignedBodyOnly",
            "counts_with_its_signature",
            "read_status accepted a callback of another message",
        ),
        (
            "open_limits",
            "SwallowedLimitErrors",
            "storage_error",
            "limits.acquire returned [Acquisition(",
        ),
        (
            "open_limits",
            "OwnErrors",
            "storage_error",
            "limits.acquire raised ConnectionError, but has to raise StorageUnavailable or Storage",
        ),
        (
            "open_files",
            "OwnFileErrors",
            "lost_store",
            "get_size raised OSError, but has to raise MediaStorageUnavailable",
        ),
    ],
)
def test_a_broken_promise_fails_in_words(factory: str, name: str, test: str, words: str) -> None:
    run = run_contract_tests(f"{WRONG}:{factory}", "-k", test, environ={"WRONG_ADAPTER": name})

    assert run.returncode == 1, run.stdout + run.stderr
    assert words in run.stdout
    assert re.search(r"\b\d failed", run.stdout)


def run_delivery(name: str) -> str:
    """Run one test with a messenger and return the output."""
    environ = {"WRONG_ADAPTER": name}
    run = run_contract_tests(f"{WRONG}:open_messenger", "-k", "to_the_number", environ=environ)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


def test_a_blocked_event_loop_fails_with_the_line_that_blocks() -> None:
    output = run_delivery("BlockedLoop")

    assert "The event loop was blocked for 0.3 seconds: " in output
    assert re.search(r"wrong_adapters\.py:\d+ in send\n", output)
    assert re.search(r"\b1 \w+, .*1 error in", output)


async def test_a_call_that_never_ends_is_left_in_words() -> None:
    outcome = await observe(asyncio.Event().wait(), 0.01)

    assert outcome.words == "did not end within 0.01 seconds, retries included"


def test_all_that_is_left_open_is_named() -> None:
    (left,) = set(re.findall(r"The adapter left open: (.*)", run_delivery("LeftOpen")))

    assert "a connection to ('127.0.0.1', " in left
    assert "a socket without a connection" in left
    assert f"the file {wrong_adapters.__file__}" in left
    assert "the task " in left
    assert "the thread 'poller'" in left


def test_a_failure_of_a_method_for_tests_is_counted_as_an_error() -> None:
    output = run_delivery("FailedReceived")

    assert "received() raised ValueError" in output
    assert re.search(r"\b1 error in", output)
    assert " failed" not in output


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ("no_such_module:open", "ADAPTER: no_such_module:open cannot be imported"),
        ("tests.support.acme_sms:open_acme_messenger", "ADAPTER: ACME_URL is not set."),
        ("contextlib:nullcontext", "ADAPTER: contextlib:nullcontext must accept the keyword"),
    ],
)
def test_errors_name_what_the_author_wrote(adapter: str, words: str) -> None:
    run = run_contract_tests(adapter)

    assert run.returncode == 2
    assert run.stderr.startswith(words)
