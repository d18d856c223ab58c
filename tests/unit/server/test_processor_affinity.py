"""The event loop keeps the threads that take turns with it on its processor."""

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

from entrypoints.server.processor_affinity import ProcessorAffinity


def test_a_busy_event_loop_binds_its_threads_until_others_use_the_processor() -> None:
    allowed = os.sched_getaffinity(0)
    affinity = ProcessorAffinity(allowed)
    try:
        with running_thread("log") as log, running_thread("images_0") as images:
            affinity.update(0.1)
            work()
            affinity.update(0.01)
            processors = os.sched_getaffinity(0)
            assert len(processors) == 1
            assert os.sched_getaffinity(log) == processors
            assert os.sched_getaffinity(images) == allowed

            with running_thread("disk_0") as disk:
                assert os.sched_getaffinity(disk) == processors
                affinity.update(0.1)
                assert os.sched_getaffinity(disk) == allowed

            with busy_process(processors), busy_process(processors):
                started = time.monotonic()
                work()
                affinity.update(time.monotonic() - started)
            assert os.sched_getaffinity(0) == os.sched_getaffinity(log) == allowed
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("binds_network", [False, True])
def test_threads_of_the_network_are_bound_if_no_processor_is_free_for_them(
    binds_network: bool,
) -> None:
    allowed = os.sched_getaffinity(0)
    affinity = ProcessorAffinity(allowed, binds_network=binds_network)
    try:
        with network_thread() as network:
            affinity.update(0.1)
            work()
            affinity.update(0.01)
            processors = os.sched_getaffinity(0)
            assert len(processors) == 1
            assert os.sched_getaffinity(network) == (processors if binds_network else allowed)
    finally:
        os.sched_setaffinity(0, allowed)


def test_an_idle_event_loop_is_not_bound() -> None:
    allowed = os.sched_getaffinity(0)
    affinity = ProcessorAffinity(allowed)
    affinity.update(0.1)
    affinity.update(60)
    assert os.sched_getaffinity(0) == allowed


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
def network_thread() -> Iterator[int]:
    """Run a thread that is unknown to `threading`, like those of the server, and yield its id."""
    ids, end = SimpleQueue[int](), threading.Event()

    def run() -> None:
        ids.put(threading.get_native_id())
        end.wait()

    _thread.start_new_thread(run, ())
    thread = ids.get()
    Path(f"/proc/self/task/{thread}/comm").write_text("tokio-rt-worker")
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
