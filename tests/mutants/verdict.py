"""What becomes of a mutant."""

from enum import StrEnum


class Verdict(StrEnum):
    """Whether the tests tell a mutant from the code."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    NOT_CALLED = "not called"
