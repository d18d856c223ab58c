"""The event loop keeps its processor, and the threads that take turns with it there."""

import _thread
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from entrypoints.server.thread_scheduling import ThreadScheduling


@pytest.fixture
def allowed() -> Iterator[frozenset[int]]:
    """Return the processors of this process, which has them again after the test."""
    processors = frozenset(os.sched_getaffinity(0))
    yield processors
    os.sched_setaffinity(0, processors)


def test_a_busy_event_loop_binds_its_threads_until_others_use_the_processor(
    allowed: frozenset[int],
) -> None:
    scheduling = ThreadScheduling(allowed)
    with running_thread("log") as log, running_thread("images_0") as images:
        processors = bind(scheduling)
        assert os.sched_getaffinity(log) == processors
        assert os.sched_getaffinity(images) == allowed

        with running_thread("disk_0") as disk:
            assert os.sched_getaffinity(disk) == processors
            scheduling.update(0.1)
            assert os.sched_getaffinity(disk) == allowed

        with busy_process(processors), busy_process(processors):
            started = time.monotonic()
            work()
            scheduling.update(time.monotonic() - started)
        assert os.sched_getaffinity(0) == os.sched_getaffinity(log) == allowed


@pytest.mark.parametrize("shares_processors", [False, True])
def test_threads_of_the_network_share_the_processor_if_no_other_is_free_for_them(
    allowed: frozenset[int], shares_processors: bool
) -> None:
    scheduling = ThreadScheduling(allowed, shares_processors=shares_processors)
    with server_thread("tokio-rt-worker") as network, server_thread("granian") as other:
        processors = bind(scheduling)
        assert os.sched_getaffinity(network) == (processors if shares_processors else allowed)
        assert os.sched_getaffinity(other) == processors


@pytest.mark.parametrize("shares_processors", [False, True])
def test_threads_of_the_server_do_not_interrupt_an_event_loop_that_shares_its_processor(
    allowed: frozenset[int], shares_processors: bool
) -> None:
    scheduling = ThreadScheduling(allowed, shares_processors=shares_processors)
    with (
        server_thread("tokio-rt-worker") as network,
        server_thread("granian") as other,
        running_thread("sqlite-1") as sqlite,
    ):
        scheduling.update(0.1)
        expected = os.SCHED_BATCH if shares_processors else os.SCHED_OTHER
        assert os.sched_getscheduler(network) == os.sched_getscheduler(other) == expected
        assert os.sched_getscheduler(sqlite) == os.sched_getscheduler(0) == os.SCHED_OTHER


def test_another_policy_of_the_process_is_kept(allowed: frozenset[int]) -> None:
    scheduling = ThreadScheduling(allowed, shares_processors=True)
    with server_thread("tokio-rt-worker") as network:
        os.sched_setscheduler(network, os.SCHED_IDLE, os.sched_param(0))
        scheduling.update(0.1)
        assert os.sched_getscheduler(network) == os.SCHED_IDLE


def test_an_idle_event_loop_is_not_bound(allowed: frozenset[int]) -> None:
    scheduling = ThreadScheduling(allowed)
    scheduling.update(0.1)
    scheduling.update(60)
    assert os.sched_getaffinity(0) == allowed


def bind(scheduling: ThreadScheduling) -> set[int]:
    """Make the event loop busy, and return the processor that it is bound to."""
    scheduling.update(0.1)
    work()
    scheduling.update(0.01)
    processors = os.sched_getaffinity(0)
    assert len(processors) == 1
    return processors


def work() -> None:
    """Use the processor for half a second."""
    until = time.thread_time() + 0.5
    while time.thread_time() < until:
        pass


@contextmanager
def running_thread(name: str) -> Iterator[int]:
    """Run a thread that waits, and yield its id."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name=name)
    thread.start()
    try:
        assert thread.native_id is not None
        yield thread.native_id
    finally:
        end.set()
        thread.join()


@contextmanager
def server_thread(name: str) -> Iterator[int]:
    """Run a thread that is unknown to `threading`, like those of the server, and yield its id."""
    ids, end = SimpleQueue[int](), threading.Event()

    def run() -> None:
        ids.put(threading.get_native_id())
        end.wait()

    _thread.start_new_thread(run, ())
    thread = ids.get()
    Path(f"/proc/self/task/{thread}/comm").write_text(name)
    try:
        yield thread
    finally:
        end.set()


@contextmanager
def busy_process(processors: set[int]) -> Iterator[None]:
    """Run a process that uses these processors all the time."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            os.sched_setaffinity(process.pid, processors)
            yield
        finally:
            process.kill()
