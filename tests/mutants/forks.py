"""Forked processes, each of which tests one mutant; as many at once as there are processors."""

import os
import resource
import signal
from collections.abc import Callable
from typing import Final, NoReturn

from tests.mutants.mutant import Mutant, MutantStatus

MAX_MEMORY: Final = 4 * 1024**3
TEST_CPU_TIMEOUT: Final = 20.0
"""Processor seconds of a test. Without a mutant no test needs a tenth of it, on any machine: a
mutant that does has made an endless loop, so it is killed."""
TEST_TIMEOUT: Final = 300.0
"""Seconds of a test, for one that waits forever. A busy machine can cause it too, so such a mutant
is not killed but timed out."""

_EXIT_CODES: Final = (MutantStatus.SURVIVED, MutantStatus.KILLED, MutantStatus.TIMED_OUT)


class ForkPool:
    """Forks processes; `on_status` receives the status of each mutant."""

    def __init__(self, on_status: Callable[[Mutant, MutantStatus], None]) -> None:
        self._on_status = on_status
        self._mutants: dict[int, Mutant] = {}

    def fork(self, mutant: Mutant) -> bool:
        """Fork when a processor is free; True in the child, which calls `exit_with`."""
        while len(self._mutants) >= len(os.sched_getaffinity(0)):
            self._wait_for_child()
        child = os.fork()
        if child:
            self._mutants[child] = mutant
            return False
        null_device = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(null_device, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        restart_timers()
        return True

    def wait(self) -> None:
        """Wait for all children."""
        while self._mutants:
            self._wait_for_child()

    def _wait_for_child(self) -> None:
        child, wait_status = os.wait()
        if child in self._mutants:
            exit_code = os.waitstatus_to_exitcode(wait_status)
            self._on_status(self._mutants.pop(child), _to_status(exit_code))


def restart_timers() -> None:
    """Give this process the time of one test. Then a signal ends it."""
    signal.setitimer(signal.ITIMER_PROF, TEST_CPU_TIMEOUT)
    signal.setitimer(signal.ITIMER_REAL, TEST_TIMEOUT)


def fork_first_attempt() -> bool:
    """Fork once more.

    Returns:
        True in the child. False in this process if the mutant survives the child; otherwise
        this process exits with the child's status.
    """
    child = os.fork()
    if child:
        status = _to_status(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if status is not MutantStatus.SURVIVED:
            exit_with(status)
    restart_timers()
    return not child


def exit_with(status: MutantStatus) -> NoReturn:
    """End the process of a mutant."""
    os._exit(_EXIT_CODES.index(status))


def _to_status(exit_code: int) -> MutantStatus:
    """Return the status for an exit code. A mutant that crashes its process is killed."""
    if exit_code == -signal.SIGALRM:
        return MutantStatus.TIMED_OUT
    return _EXIT_CODES[exit_code] if 0 <= exit_code < len(_EXIT_CODES) else MutantStatus.KILLED
