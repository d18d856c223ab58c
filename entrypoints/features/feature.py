"""What the rest of the program knows of an optional feature."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from application.additions import Additions
from application.opened import NOTHING, Opened
from application.require import require
from entrypoints.parts.composition import Openable
from entrypoints.settings.startup_error import StartupError

if TYPE_CHECKING:
    from adapters.databases.records.record_kind import RecordKind
    from adapters.databases.records.record_store import RecordStore
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserDetailsForm, UserFields
    from entrypoints.parts.composition import Composition
    from entrypoints.settings.rules import Check, Rule
    from entrypoints.settings.settings import Settings


T_co = TypeVar("T_co", covariant=True)


class WithoutMessages(NamedTuple):
    """The feature that `dialtone cleanup` opens if no message can be sent, and what that leaves."""

    feature: "Feature[Any]"
    left: str


class StoreAway(StartupError):
    """The store of a feature cannot be opened. `instead` works without it, by the same name."""

    def __init__(self, text: str, instead: "Feature[Any]") -> None:
        super().__init__(text)
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Feature(Openable, Generic[T_co]):
    """An optional feature. Without all `features/<name>`, its adapters and tests, the rest works.

    `entrypoints.features.<name>` has one subclass, and one object of it, which
    `entrypoints.composition.features` lists. A feature of somebody else is an extension:
    `DIALTONE_EXTENSIONS`.

    All but the name have a default. Methods import what they need when they are called: so a
    command imports only the features that it names.

    Attributes:
        adapters: Below `adapters`, the packages and modules that it alone uses. They are the only
            files of a feature that are not in a folder `features`.
        needs: The names of the features that have to be installed.
        must_be_open: Whether each program opens it: the service, and all commands.
        settings: A subclass of `Settings`, which also overrides what its settings change in the
            core; None if it has none.
        kinds: The kinds of its records. Kinds of an extension have names that begin with `x_`.
            `dialtone cleanup` opens each feature with records.
        data: Its data of a user, in words that an operator reads before the deletion.
        adds_to_export: Whether an export opens it, for its part.
        left_by_deletion: What `dialtone user delete` leaves if it cannot be opened, in a sentence.
            Empty if a deletion does not open it.
        without_messages: What `dialtone cleanup` does if no message can be sent; None if its
            cleanup sends none.
    """

    adapters: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    must_be_open: ClassVar[bool] = False
    settings: ClassVar["type[Settings] | None"] = None
    rules: "ClassVar[tuple[Rule, ...]]" = ()
    kinds: "ClassVar[tuple[RecordKind[Any], ...]]" = ()
    data: ClassVar[tuple[str, ...]] = ()
    adds_to_export: ClassVar[bool] = False
    left_by_deletion: ClassVar[str] = ""
    without_messages: ClassVar[WithoutMessages | None] = None

    def http_additions(
        self, settings: "Settings", installed: "Sequence[Feature[Any]]", /
    ) -> "Sequence[HttpAdditions]":
        """Return what it adds to the HTTP application."""
        del settings, installed
        return ()

    def user_fields(self) -> "Sequence[type[UserFields]]":
        """Return the fields about a user, for `dialtone user show`, the API and the console."""
        return ()

    def trials(self, settings: "Settings") -> "Mapping[str, Check]":
        """Return what `check-settings --connect` tries, by its name there. Nothing stays of it."""
        del settings
        return {}

    def records_check(
        self, settings: "Settings"
    ) -> "Callable[[RecordStore], Awaitable[str]] | None":
        """Return what `check-settings` asks the database, if it exists.

        That returns a note, or an empty text. It raises PortError, and StartupError if the records
        do not allow the settings.
        """
        del settings
        return None

    def of(self, core: "UseCases") -> T_co:
        """Return its use cases.

        Raises:
            UseCasesNotOpen
        """
        use_cases: T_co | None = core.features.get(self.name)
        return require(use_cases, f"the use cases of {self.name} are")

    def details(self, composition: "Composition") -> Additions:
        """Return what the core shows of a user. Only records are read: no port is opened."""
        del composition
        return Additions()

    async def open(self, composition: "Composition") -> Opened[T_co | None]:
        """Open its ports, and return what it adds to the core and what makes its use cases.

        The service has its tasks, gauges and lines of the banner too: see `Composition`. What has
        to be closed is entered in `composition.stack`.
        """
        del composition
        return NOTHING


def make_user_details_form(features: Sequence[Feature[Any]]) -> "UserDetailsForm":
    """Return the form of the details of a user, with the fields of these features."""
    from entrypoints.http.administration.user_details import UserDetailsForm

    return UserDetailsForm([fields for feature in features for fields in feature.user_fields()])
