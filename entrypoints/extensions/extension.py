"""What an extension is: a feature of somebody else, in a package of its own."""

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from adapters.records.record_kind import RecordKind

if TYPE_CHECKING:
    from application.ports.tracing import Tracer
    from entrypoints.extensions.opening import ExtensionOpening
    from entrypoints.http.extensions.parts import ExtensionHttp

EXTENSION_API: Final = 1
"""The version of all that is stable for extensions. docs/extensions.md says when it is raised."""


def _add_nothing(_: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionCommand:
    """A command of an extension: `dialtone x EXTENSION NAME`.

    Attributes:
        name: Its name.
        help: What it does. The first sentence is its line in the list of commands.
        use_cases: The class of what `run` gets first: `open` of the extension has added it.
        run: Returns the lines to print, of the use cases and the arguments. It may raise
            `CommandError` with one sentence.
        takes_user: Whether its first argument is a user, as operators write one: a phone number, a
            username or an id. `arguments.user` is the id then; nobody else's is found.
        add_arguments: Declares its other arguments.
    """

    name: str
    help: str
    use_cases: type
    run: Callable[[Any, Namespace], Awaitable[Iterable[str]]]
    takes_user: bool = False
    add_arguments: Callable[[ArgumentParser], None] = _add_nothing


class Extension:
    """A feature of somebody else. `DIALTONE_EXTENSIONS` names an object of a subclass.

    All methods have a default. Each process imports the module at its start, also for `--help`:
    methods import what is slow, such as web frameworks, when they are called.

    Attributes:
        name: Its name: lower-case letters, digits and underscores. Paths begin with `/x/<name>/`,
            kinds of records with `x_<name>_`, variables with `DIALTONE_X_<NAME>_`, codes of errors
            with `<name>_`.
        api: The `EXTENSION_API` that it was written for.
        settings: A frozen dataclass whose fields are `setting` or `secret`; None if it has none.
        kinds: The kinds of its records. Nothing else reads or writes them.
        data: What it has of a user, in words that an operator reads before the deletion.
    """

    name: ClassVar[str]
    api: ClassVar[int]
    settings: ClassVar[type[Any] | None] = None
    kinds: ClassVar[tuple[RecordKind[Any], ...]] = ()
    data: ClassVar[tuple[str, ...]] = ()

    def open(self, opening: "ExtensionOpening") -> AbstractAsyncContextManager[None]:
        """Open what it needs, and add its use cases and all else, until the block ends.

        The service calls it in each worker, and a command if it needs the extension.

        Raises:
            ConfigurationError: It cannot be opened: one sentence with the reason and the fix.
        """
        del opening
        return nullcontext()

    def tracer(self, settings: Any) -> "AbstractAsyncContextManager[Tracer] | None":
        """Return what opens a tracer in each worker of the service; None if it traces nothing.

        A tracer gets the names of what a request does, and no value: see `Tracer`.

        Args:
            settings: The settings of the extension, an object of its class `settings`; None if it
                has none.

        Raises:
            ConfigurationError: It cannot be opened: one sentence with the reason and the fix. What
                it returns may raise it too.
        """
        del settings
        return None

    def http(self) -> "ExtensionHttp | None":
        """Return its paths and errors; None if it has none."""
        return None

    def commands(self) -> Sequence[ExtensionCommand]:
        """Return its commands."""
        return ()
