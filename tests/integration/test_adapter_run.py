"""The contract suites accept adapters that keep their promises, and say what others break."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from tests.contract.examples.event_file import open_event_file
from tests.contract.suites import plugin
from tests.contract.suites.attestation import test_attestation as attestation
from tests.contract.suites.attestation.driver import ExternalAttestationDriver
from tests.contract.suites.blocked_loop import MAX_PAUSE, find_blocking_calls
from tests.contract.suites.events import test_event_destination as events
from tests.contract.suites.events.driver import ExternalEventsDriver
from tests.contract.suites.external_adapter import ADAPTER, PORT
from tests.contract.suites.messages import test_fixed_webhook as webhook
from tests.contract.suites.messages import test_messenger as messenger
from tests.contract.suites.messages import test_status_callbacks as callbacks
from tests.contract.suites.messages.driver import ExternalMessengerDriver
from tests.contract.suites.outcomes import observe
from tests.contract.suites.port import Port, find_ports
from tests.contract.suites.provider_driver import HANGS, ProviderDriver
from tests.support import wrong_adapters as wrong
from tests.support import wrong_voice
from tests.support.adapter_runs import run_contract_tests
from tests.support.attestation_adapters import (
    AnySubject,
    AnySubjectAfterwards,
    NewIds,
    ShortSubject,
    open_questions,
)
from tests.support.event_lists import AcceptedRepeats, CutIds, SwallowedEvents, open_event_list
from tests.support.leaking_adapter import SECRET, open_leaking_messenger
from tests.support.markdown import PROJECT
from tests.support.shipped_adapters import open_disk, open_failover, open_sqlite
from tests.support.wrong_adapters import (
    open_files,
    open_limits,
    open_messenger,
    open_with_any_keys,
)
from tests.support.wrong_voice import open_voice

_DATA: Final = bytes(1_000_000)
SUITE_FOLDER: Final = PROJECT / "tests/contract/suites"
PORT_OF: Final[dict[Callable[..., Any], str]] = {
    open_sqlite: "database",
    open_with_any_keys: "database",
    open_disk: "media",
    open_failover: "messages",
    open_messenger: "messages",
    open_limits: "limits",
    open_files: "media",
    open_voice: "voice",
    open_event_file: "events",
    open_event_list: "events",
    open_leaking_messenger: "messages",
    open_questions: "attestation",
}


def run_with(
    factory: Callable[..., Any], *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the contract tests with the adapter of a factory."""
    path = f"{factory.__module__}:{factory.__name__}"
    return run_contract_tests(path, PORT_OF[factory], *arguments, environ=environ)


def names_of_suites(port: Port) -> set[str]:
    """Return the names of the files that pytest gets, or finds in the folder that it gets."""
    files = [file for path in port.paths for file in (path, *path.glob("test_*.py"))]
    return {file.name for file in files if file.is_file()}


def test_each_suite_runs_with_adapters_of_others_and_with_ours() -> None:
    suites = {path.name for path in SUITE_FOLDER.rglob("test_*.py")}

    assert {name for port in find_ports().values() for name in names_of_suites(port)} == suites
    with_ours = {name for name in suites if (PROJECT / "tests/contract" / name).exists()}
    # They start a process, are in tests/integration for each of ours, or none of ours has it.
    assert suites - with_ours == {
        "test_crash.py",
        "test_killed_writes.py",
        "test_limits_crash.py",
        "test_other_keys.py",
    }


@pytest.mark.parametrize(
    ("factory", "arguments"),
    [
        (open_sqlite, ["-k", "moved or health or crash or other_keys"]),
        (open_disk, []),
        (open_failover, []),
        (open_event_file, []),
        (open_limits, []),
    ],
)
def test_adapters_without_a_defect_pass(factory: Callable[..., Any], arguments: list[str]) -> None:
    run = run_with(factory, *arguments, WRONG_ADAPTER="RightLimits")
    assert run.returncode in (0, 5), run.stdout + run.stderr
    assert " passed" in run.stdout
    assert ", 0 failed." in run.stdout or "\nComplete: " in run.stdout


@pytest.mark.parametrize("factory", [open_event_list, open_messenger, open_questions, open_voice])
def test_an_adapter_with_all_helpers_is_complete(factory: Callable[..., Any]) -> None:
    right = {open_messenger: "RightMessenger", open_voice: "RightVoice"}
    run = run_with(factory, WRONG_ADAPTER=right.get(factory, ""))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\nComplete: " in run.stdout


def test_an_adapter_that_does_not_fit_its_port_is_not_opened() -> None:
    run = run_with(open_messenger, WRONG_ADAPTER=wrong.BlockingSend.__name__)

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    yields = "ERROR: DIALTONE_SMS: tests.support.wrong_adapters:open_messenger yields"
    assert run.stderr.startswith(yields)
    words = "whose method send is not async: write `async def send`"
    assert f" BlockingSend, {words}: see docs/adapters.md.\n" in run.stderr


EXAMPLE: Final = "tests.contract.examples.file_messenger:open_file_messenger"
PORTS: Final = ", ".join(sorted(find_ports()))
MESSAGES: Final = "to_the_number"
IN_DOUBT: Final = partial(
    messenger.test_a_message_without_an_answer_is_unknown_and_not_sent_again, failure=HANGS
)
NOT_SENT: Final = (
    messenger.test_without_a_provider_nothing_is_accepted_and_the_reason_has_no_secrets
)


@pytest.mark.parametrize(
    ("open_driver", "adapter", "promise", "words"),
    [
        (
            ExternalMessengerDriver,
            wrong.SwallowedErrors,
            messenger.test_the_health_check_fails_without_a_provider,
            "check returned None, but has to",
        ),
        (ExternalMessengerDriver, wrong.SuccessForUnknown, NOT_SENT, r"send returned Delivery"),
        (ExternalMessengerDriver, wrong.EndlessRetries, NOT_SENT, "send did not end within 0.1"),
        (
            ExternalMessengerDriver,
            wrong.ExceptionFromSend,
            NOT_SENT,
            "send raised ConnectionError. A failure",
        ),
        (ExternalMessengerDriver, wrong.NumberInDetails, NOT_SENT, r"details has \+"),
        (ExternalMessengerDriver, wrong.RejectedInDoubt, IN_DOUBT, "it may have been sent"),
        (
            ExternalMessengerDriver,
            wrong.RepeatedInDoubt,
            IN_DOUBT,
            "got 2 messages by one call of send",
        ),
        (
            ExternalMessengerDriver,
            wrong.OpenBreaker,
            messenger.test_after_an_outage_messages_are_sent_again_and_no_earlier_ones,
            r"send returned DeliveryResult\(st",
        ),
        (
            ExternalMessengerDriver,
            wrong.OldStatuses,
            callbacks.test_an_old_status_callback_is_not_authentic,
            "that was signed -6 minutes from now",
        ),
        (
            ExternalMessengerDriver,
            wrong.UnsignedTime,
            callbacks.test_an_old_status_callback_gets_no_new_time,
            "with the header signed-at",
        ),
        (
            ExternalMessengerDriver,
            wrong.PartOfSignature,
            callbacks.test_a_status_callback_counts_with_its_signature_only,
            "a part of its header .'signature'",
        ),
        (
            ExternalMessengerDriver,
            wrong.OneStatus,
            webhook.test_the_statuses_of_several_messages_have_the_reference_of_each,
            "read_statuses returned {'abab",
        ),
        (
            ExternalMessengerDriver,
            wrong.ReferenceInUrl,
            webhook.test_the_statuses_of_several_messages_have_the_reference_of_each,
            "has another URL, which nobody",
        ),
        (
            ExternalMessengerDriver,
            wrong.EchoedHandshake,
            webhook.test_a_handshake_of_the_provider_is_answered_with_its_secret_only,
            "without the secret",
        ),
        (
            ExternalMessengerDriver,
            wrong.LostNotices,
            messenger.test_a_message_without_a_code_is_delivered_or_rejected,
            "and 0 messages were delivered",
        ),
        (
            ExternalMessengerDriver,
            wrong.NoResult,
            messenger.test_an_accepted_message_is_delivered_to_the_number,
            "send returned True. A failure is a De",
        ),
        (
            ExternalMessengerDriver,
            wrong.UnsignedStatus,
            callbacks.test_a_status_callback_counts_with_its_signature_only,
            "read_statuses accepted a callback w",
        ),
        (
            ExternalMessengerDriver,
            wrong.SignedBodyOnly,
            callbacks.test_a_status_callback_counts_for_its_message_only,
            "read_statuses accepted a callback of",
        ),
        (
            ExternalEventsDriver,
            SwallowedEvents,
            events.test_without_a_receiver_an_event_is_rejected_in_time,
            "send returned None, but has to raise EventRejected",
        ),
        (
            ExternalEventsDriver,
            AcceptedRepeats,
            partial(
                events.test_an_event_without_an_answer_is_rejected_and_left_to_the_service,
                failure=HANGS,
            ),
            "send accepted an event without sending it",
        ),
        (
            ExternalAttestationDriver,
            NewIds,
            attestation.test_a_proof_that_comes_again_has_the_same_id_or_is_invalid,
            "A proof is valid again with another proof_id",
        ),
        (
            ExternalAttestationDriver,
            AnySubject,
            attestation.test_a_proof_for_another_subject_is_invalid,
            "The proof for one subject is valid for another",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_promise_that_an_adapter_breaks_is_named(
    monkeypatch: pytest.MonkeyPatch,
    open_driver: Callable[[Any], ProviderDriver],
    adapter: Callable[[], object],
    promise: Callable[..., Coroutine[Any, Any, None]],
    words: str,
) -> None:
    monkeypatch.setattr(messenger, "SEND_SECONDS", 0.1 if "0.1" in words else 60)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=words):
        await promise(open_driver(adapter()))


@pytest.mark.parametrize(
    ("factory", "adapter", "test", "words"),
    [
        (
            open_messenger,
            wrong.BlockedLoop,
            MESSAGES,
            r"blocked for 0.3 seconds: .*\.py:\d+ in send",
        ),
        (
            open_limits,
            wrong.SwallowedLimitErrors,
            "storage_error",
            r"acquire returned \[Acquisition\(",
        ),
        (open_limits, wrong.OwnErrors, "storage_error", "acquire raised ConnectionError,"),
        (
            open_limits,
            wrong.RepeatedAcquisition,
            "acquire-no_answer",
            "acquire was sent again after it was not answered: one permit became 3",
        ),
        (
            open_limits,
            wrong.LostWithTheShortestWindow,
            "whose_server_deletes",
            "the server deletes a record after 60 seconds, whose longest window has 86400",
        ),
        (open_with_any_keys, object, "other_keys", "It was opened with other keys, and would"),
        (open_files, wrong.OwnFileErrors, "lost_store", "get_size raised OSError, but has to"),
        (open_messenger, wrong.CutText, "delivered_whole", "A text in several parts was accepted"),
        (open_messenger, wrong.AsciiText, "delivered_whole", "A text in other scripts was acc"),
        (
            open_messenger,
            wrong.NothingUndelivered,
            "not_reported_as_delivered",
            "returned <ReportedStatus.DELIVERED: 'delivered'> for a message that was not",
        ),
        (open_messenger, wrong.CutReferences, "reference_of_each", "read_statuses returned {'aba"),
        (open_limits, wrong.LostAfterARelease, "release_keeps", "a release ended other permits"),
        (
            open_limits,
            wrong.LostByAServerAfterARelease,
            "release_keeps",
            "a second after a release the other permits were gone",
        ),
        (open_event_list, CutIds, "id_arrives_whole", "send accepted .*, and .* arrived"),
        (
            open_questions,
            AnySubjectAfterwards,
            "another_subject",
            "valid for another, after it was valid",
        ),
        (open_questions, ShortSubject, "another_subject", "is valid for another"),
        (
            open_voice,
            wrong_voice.BelievesEverybody,
            "without_a_signature",
            "verify returned True for a request without a signature",
        ),
        (open_voice, wrong_voice.OwnCallErrors, "placed_once", "place_call raised ConnectionErr"),
        (
            open_voice,
            wrong_voice.AnsweredRejections,
            "rejected",
            "Reject has the document of no instruction",
        ),
        (open_voice, wrong_voice.NoSignatures, "without_a_signature", "verify returned True"),
        (open_voice, wrong_voice.ExchangedNumbers, "both_numbers", "parse returned .*, not"),
        (open_voice, wrong_voice.ExchangedDial, "caller_id", "A Dial of .* connects"),
        (open_voice, wrong_voice.DialsItself, "caller_id", "A Dial of .* connects"),
        (open_voice, wrong_voice.CallsItself, "placed_once", "got 1 requests"),
        (open_voice, wrong_voice.OwnNumberCalled, "placed_once", "got 1 requests"),
        (open_voice, wrong_voice.NoRecordingUrl, "for_its_status", "of a recording lacks the URL"),
        (open_voice, wrong_voice.NoCaller, "both_numbers", r"parse returned \[None, "),
        (open_voice, wrong_voice.NoDigits, "both_numbers", "returned the digits None"),
        (open_voice, wrong_voice.CutCallIds, "both_numbers", "is not the whole one"),
    ],
)
def test_a_run_names_a_broken_promise(
    factory: Callable[..., Any], adapter: type, test: str, words: str
) -> None:
    run = run_with(factory, "-k", test, WRONG_ADAPTER=adapter.__name__)
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(words, run.stdout)
    assert re.search(r"\b\d (failed|error)", run.stdout)  # a pause is found at the end


def run_delivery(adapter: type) -> str:
    """Run one test with a messenger that fails it, and return the output."""
    run = run_with(open_messenger, "-k", MESSAGES, WRONG_ADAPTER=adapter.__name__)
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout


def test_a_task_that_ignores_its_cancellation_holds_no_run() -> None:
    output = run_delivery(wrong.StubbornRetries)
    assert "send returned None. A failure is a DeliveryResult" in output
    assert "The adapter left open: the task " in output


async def test_what_blocks_the_event_loop_is_noticed_once() -> None:
    with find_blocking_calls() as pauses:
        await asyncio.sleep(0)
        start = time.monotonic()
        while not pauses and time.monotonic() < start + 60:
            time.sleep(0.01)  # noqa: ASYNC251 -- it is what is noticed
        await asyncio.sleep(0)

    assert len(pauses) == 1


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sha256(_DATA)  # other threads run meanwhile


async def test_a_computation_that_blocks_the_event_loop_is_noticed() -> None:
    with find_blocking_calls() as pauses:
        await asyncio.sleep(0)
        compute(2 * MAX_PAUSE)
        await asyncio.sleep(0)

    assert len(pauses) == 1


async def compute_while_the_processor_is_busy() -> tuple[float, list[str]]:
    """Let another program have the processor of this thread; return the longest pause."""
    longest = 0.0
    with find_blocking_calls() as pauses:
        processor = min(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processor})
        program = subprocess.Popen(  # noqa: ASYNC220 -- it starts once
            [
                sys.executable,
                "-c",
                f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile 1: 0",
            ]
        )
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        try:
            while longest < 2 * MAX_PAUSE:
                start = time.monotonic()
                compute(MAX_PAUSE / 20)
                longest = max(longest, time.monotonic() - start)
                await asyncio.sleep(0)
        finally:
            program.kill()
            program.wait()
    return longest, pauses


def test_a_loop_that_waits_for_a_processor_blocks_nothing() -> None:
    with ThreadPoolExecutor(1) as threads:  # the changes are those of a thread
        running = threads.submit(asyncio.run, compute_while_the_processor_is_busy())
        longest, pauses = running.result()

    assert longest > MAX_PAUSE
    assert pauses == []


async def test_a_call_that_never_ends_is_left_in_words() -> None:
    outcome = await observe(asyncio.Event().wait(), 0.01)

    assert outcome.words == "did not end within 0.01 seconds, retries included"


def test_all_that_is_left_open_is_named() -> None:
    (left,) = set(re.findall(r"The adapter left open: (.*)", run_delivery(wrong.LeftOpen)))

    assert left.count("a socket") == 2
    assert re.search(r"the file \S+/wrong_adapters\.py", left)
    assert "the task " in left
    assert "the thread 'poller'" in left


def test_a_run_that_is_interrupted_has_not_succeeded() -> None:
    run = run_with(open_messenger, "-k", MESSAGES, WRONG_ADAPTER=wrong.InterruptedSend.__name__)
    assert run.returncode not in (0, pytest.ExitCode.NO_TESTS_COLLECTED), run.stdout + run.stderr


def test_a_failure_of_a_method_for_tests_is_named() -> None:
    assert "received() raised ValueError" in run_delivery(wrong.FailedReceived)


@pytest.mark.parametrize(
    ("place", "calls"),
    [
        ("factory", ["open_leaking_messenger"]),
        ("close", ["open_leaking_messenger"]),
        ("method", ["send"]),
        ("task", ["fail_in_task"]),
        ("thread", []),
        ("helper", ["received"]),
    ],
)
def test_an_error_is_shown_with_its_calls_and_without_values(
    place: str, calls: Sequence[str]
) -> None:
    options = ("--showlocals", "--full-trace", "-k", MESSAGES)
    run = run_with(open_leaking_messenger, *options, FAILS_IN=place, GATEWAY_PASSWORD=SECRET)

    output = run.stdout + run.stderr
    assert run.returncode in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    assert "ConnectionError" in output
    assert "no login with" not in output
    for call in (*calls, "fail_in"):
        assert re.search(rf"leaking_adapter\.py:\d+ {call}$", output, re.MULTILINE)
    assert not re.search(rf"{SECRET}|\+1\d{{6}}|\b\d{{6}}\b is your", output)


@pytest.mark.parametrize(
    ("adapter", "port", "words"),
    [
        (
            "no_such_module:open",
            "messages",
            "DIALTONE_SMS: no_such_module:open cannot be imported (No module named "
            "'no_such_module'): install",
        ),
        (EXAMPLE, "messages", "DIALTONE_SMS: MY_SMS_FILE is not set"),
        ("contextlib:nullcontext", "voice", "DIALTONE_VOICE: contextlib:nullcontext must accept"),
        ("my_sms", "messages", "ADAPTER: name the factory as package.module:factory."),
        (
            EXAMPLE,
            "",
            f"PORT: it is missing: name the adapter's port, one of {PORTS}.",
        ),
        (
            EXAMPLE,
            "sms",
            "PORT: there is no port sms: name the adapter's port, one of",
        ),
    ],
)
def test_errors_name_what_the_author_wrote(adapter: str, port: str, words: str) -> None:
    run = run_contract_tests(adapter, port)

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert run.stderr.startswith(f"ERROR: {words}")


def test_the_line_of_a_module_that_is_no_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "my_sms.py").write_text("def (")
    run = run_contract_tests("my_sms:open_my_sms", "messages", folder=tmp_path)
    assert "cannot be imported (invalid syntax (my_sms.py, line 1))" in run.stderr
    assert "Traceback" not in run.stderr


@asynccontextmanager
async def open_endlessly(*, environ: Mapping[str, str]) -> AsyncIterator[None]:
    await asyncio.Event().wait()
    yield


def test_an_adapter_that_never_opens_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "OPENING_SECONDS", 0.1)
    monkeypatch.setenv(ADAPTER, f"{__name__}:{open_endlessly.__name__}")
    monkeypatch.setenv(PORT, "messages")
    session: Any = SimpleNamespace(config=object())

    with pytest.raises(pytest.UsageError, match="DIALTONE_SMS: it was not opened and closed"):
        plugin.pytest_sessionstart(session)
