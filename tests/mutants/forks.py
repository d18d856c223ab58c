"""Processes in which one mutant each is tried, as many at once as there are processors."""

import os
import resource
import signal
from collections.abc import Callable
from typing import Final, NoReturn

from tests.mutants.mutant import Mutant
from tests.mutants.verdict import Verdict

MOST_MEMORY: Final = 4 * 1024**3
LONGEST_TEST: Final = 20.0
"""Processor seconds: what takes more hangs, however busy the machine is."""
LONGEST_WAIT: Final = 300.0
"""Seconds, for a test that hangs by waiting."""

_EXITS: Final = (Verdict.SURVIVED, Verdict.KILLED, Verdict.TIMED_OUT)


class Forks:
    """Those under way; `tell` is given each verdict as it comes."""

    def __init__(self, tell: Callable[[Mutant, Verdict], None]) -> None:
        self._tell = tell
        self._mutants: dict[int, Mutant] = {}

    def begin(self, mutant: Mutant) -> bool:
        """Fork as soon as there is room; True in the child, which has to `leave`."""
        while len(self._mutants) >= len(os.sched_getaffinity(0)):
            self._await_one()
        child = os.fork()
        if child:
            self._mutants[child] = mutant
            return False
        silence = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(silence, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        allow_a_test()
        return True

    def finish(self) -> None:
        """Wait for all that are under way."""
        while self._mutants:
            self._await_one()

    def _await_one(self) -> None:
        child, status = os.wait()
        if child in self._mutants:
            self._tell(self._mutants.pop(child), _verdict(os.waitstatus_to_exitcode(status)))


def allow_a_test() -> None:
    """Let this process go on for as long as a test may take; then it is ended by a signal."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST_TEST)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT)


def is_first_of_two() -> bool:
    """Fork once more: True in the child, and then here False, unless the child settles it."""
    child = os.fork()
    if child:
        verdict = _verdict(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if verdict is not Verdict.SURVIVED:
            leave(verdict)
    allow_a_test()
    return not child


def leave(verdict: Verdict) -> NoReturn:
    """End the process of a mutant."""
    os._exit(_EXITS.index(verdict))


def _verdict(exit_code: int) -> Verdict:
    """A process that a mutant brought down is one that was told from the code."""
    if exit_code in (-signal.SIGPROF, -signal.SIGALRM):
        return Verdict.TIMED_OUT
    return _EXITS[exit_code] if 0 <= exit_code < len(_EXITS) else Verdict.KILLED
