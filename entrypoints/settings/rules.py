"""What a check of settings finds, and what the checks of several features have in common."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from adapters.databases.records.record_store import RecordStore

F = TypeVar("F", bound="Finding")


class Problem(NamedTuple):
    """A rule between settings that is violated. Everything that reads the settings refuses them.

    Attributes:
        variable: The variable to change.
        text: What is wrong with it.
        example: A text to show instead of the variable's example, if that is no fix; empty if the
            fix is to remove the variable.
    """

    variable: str
    text: str
    example: str | None = None


class Library(NamedTuple):
    """A library that an adapter needs. Nothing is created or opened without it.

    Attributes:
        variable: The variable that names the adapter.
        extra: One of `EXTRAS`, which has the library.
        subject: What needs it, as the settings name it.
    """

    variable: str
    extra: str
    subject: str


class FileCheck(NamedTuple):
    """A check that reads more than the settings, such as a file that they name.

    The start of the service and `check-settings` do it. Other commands can help while the file is
    not valid.

    Attributes:
        check: Returns notes for the end of `check-settings`: what is allowed, and may be a mistake.
            They are made only if they are read. Raises StartupError, with a line for each problem.
    """

    check: Callable[[], Iterable[str]]


Check: TypeAlias = Callable[[], Coroutine[Any, Any, str]]
"""Return a note or an empty text. Raise an error for the operator if the part does not work.

The first line of a text belongs to the part, further ones are shown below it.
"""


class Trial(NamedTuple):
    """A part that `check-settings --connect` tries. Nothing is created that stays.

    Attributes:
        part: Its name in the output.
        run: Tries it. Raises StartupError, ConfigurationError or PortError.
    """

    part: str
    run: Check


class RecordsCheck(NamedTuple):
    """What `check-settings` asks the database, if it exists.

    Attributes:
        check: Returns a note about the records. Raises PortError, and StartupError if they do not
            allow the settings.
    """

    check: Callable[["RecordStore"], Awaitable[str]]


Finding: TypeAlias = Problem | Library | FileCheck | Trial | RecordsCheck
Findings: TypeAlias = Iterable[Iterable[Finding]]
"""What is found, by checks: each ends where it needs the value of a variable that is invalid."""


def find(kind: type[F], found: Findings, *, is_complete: bool = True) -> Iterator[F]:
    """Yield the findings of a kind. Only incomplete settings may lack values."""
    for findings in found:
        try:
            for finding in findings:
                if isinstance(finding, kind):
                    yield finding
        except AttributeError:
            if is_complete:
                raise


ONE_HOST_ONLY: Final = "{} is on one host only. Use {}, or set DIALTONE_SINGLE_HOST=yes."

# Names that are not in public DNS: one label, like that of a container, or a suffix for private
# networks (RFC 6761, 6762 and 8375, ICANN's .internal, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def is_private(host: str) -> bool:
    """Return whether a host is in a private network, judged by its name or IP."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return _PRIVATE_NAME.fullmatch(host) is not None
