"""What the rest of the program knows of an optional feature."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from adapters.metrics.exposition import MeasuredGauge
    from adapters.metrics.metrics import Metrics
    from adapters.records.record_kind import RecordKind
    from application.use_cases import UseCases
    from domain.otp.delivery import Channel
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.http.user_details import UserDetailsForm, UserFields
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.rules import Findings
    from entrypoints.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Feature:
    """An optional feature. Without its folders, its module and its tests, the rest works.

    A module of `entrypoints.features` has one subclass, and one object of it, which
    `entrypoints.features` lists. One of somebody else is an extension: `DIALTONE_EXTENSIONS`.
    Methods import what they need when they are called: so a command imports only the features that
    it names.

    Attributes:
        name: Its name, for operators too.
        folders: Its folders and modules in the four layers, besides its own module here. Whoever
            takes the feature out deletes them. An extension has none here.
        needs: The names of the features that have to be installed.
        opens: The names of the pieces of the core that have to be open, such as `otp`.
        kinds: The kinds of its records. Those of an extension have names that begin with `x_`.
        settings: A dataclass with its settings, a subclass of `Settings`; None if it has none.
        logged_settings: The variables that the log of a start shows, by the name of their field.
        data: What it has of a user, in words that an operator reads before the deletion.
        has_cleanup: Whether `dialtone cleanup` opens it.
        adds_to_export: Whether an export opens it, for its part.
        adds_channel: The channel for which `dialtone user send-code` opens it; None if it has none.
        left_by_deletion: What `dialtone user delete` leaves if it cannot be opened, in a sentence.
            Empty if a deletion does not open it.
        left_messages: What `dialtone cleanup` leaves if no message can be sent, in a sentence.
            Empty if its cleanup sends none.
        without_messages: What `dialtone cleanup` opens instead if no message can be sent; None if
            its cleanup sends none.
    """

    name: ClassVar[str]
    folders: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    opens: ClassVar[tuple[str, ...]] = ()
    kinds: "ClassVar[tuple[RecordKind[Any], ...]]" = ()
    settings: ClassVar["type[Settings] | None"] = None
    logged_settings: ClassVar[Mapping[str, str]] = {}
    data: ClassVar[tuple[str, ...]] = ()
    has_cleanup: ClassVar[bool] = False
    adds_to_export: ClassVar[bool] = False
    adds_channel: "ClassVar[Channel | None]" = None
    left_by_deletion: ClassVar[str] = ""
    left_messages: ClassVar[str] = ""
    without_messages: "ClassVar[Feature | None]" = None

    def check(self, settings: "Settings") -> "Findings":
        """Return what is found out about its settings, and what can be tried of them.

        Each check is a generator of findings. It ends where it needs the value of an invalid
        variable, so this method itself reads no value.
        """
        del settings
        return ()

    def check_created(self, settings: "Settings") -> None:
        """Check that there is what only the service creates, before a command opens the feature.

        Raises:
            StartupError
        """
        del settings

    def open(self, opening: "Opening") -> AbstractAsyncContextManager[None]:
        """Open its ports, and add its use cases to those of the core, until the block ends.

        Raises:
            ConfigurationError: an adapter cannot be opened.
            StartupError
        """
        del opening
        return nullcontext()

    def must_be_open(self, settings: "Settings") -> bool:
        """Return whether each program has to open it: the service, and all commands."""
        del settings
        return False

    def keeps_user_events(self, settings: "Settings") -> bool:
        """Return whether events of users have to be recorded for it."""
        del settings
        return False

    def own_folders(self, settings: "Settings") -> Sequence[Path]:
        """Return the folders of this machine that it writes to."""
        del settings
        return ()

    def add_details(self, opening: "Opening") -> None:
        """Add to the core what it shows of a user. Only records are read: no port is opened."""
        del opening

    def plugins(
        self, settings: "Settings", installed: "Sequence[Feature]"
    ) -> "Sequence[ApiPlugin]":
        """Return what it adds to the HTTP application.

        Args:
            settings: All settings.
            installed: All features.
        """
        del settings, installed
        return ()

    def user_fields(self) -> "Sequence[type[UserFields]]":
        """Return the fields about a user, for `dialtone user show`, the API and the console."""
        return ()

    def background_tasks(
        self, settings: "Settings", use_cases: "UseCases", metrics: "Metrics | None"
    ) -> Sequence[AbstractAsyncContextManager[None]]:
        """Return what each worker does in the background until the block ends."""
        del settings, use_cases, metrics
        return ()

    def banner_urls(self, settings: "Settings") -> Mapping[str, str]:
        """Return what a person can open first, by what it is for, for the banner of a start."""
        del settings
        return {}

    def banner_adapters(self, settings: "Settings", shown: Mapping[str, str]) -> Mapping[str, str]:
        """Return the adapters in use, by what they are for, for the banner of a start.

        Args:
            settings: All settings.
            shown: What `check-settings` shows of each variable.
        """
        del settings, shown
        return {}

    def has_files(self, settings: "Settings") -> bool:
        """Return whether there is data of users on this machine outside the database."""
        del settings
        return False

    def lines_after_backup(self, settings: "Settings") -> "Iterable[str]":
        """Return what `dialtone backup` says of data that is not in the database."""
        del settings
        return ()

    def lines_after_restore(self, settings: "Settings") -> "Iterable[str]":
        """Return what `dialtone restore` says of data that is not in the database."""
        del settings
        return ()

    def gauges(self, settings: "Settings", use_cases: "UseCases") -> "Sequence[MeasuredGauge]":
        """Return what is read for each answer with metrics."""
        del settings, use_cases
        return ()


def make_user_details_form(features: Sequence[Feature]) -> "UserDetailsForm":
    """Return the form of the details of a user, with the fields of these features."""
    from entrypoints.http.user_details import UserDetailsForm

    return UserDetailsForm([fields for feature in features for fields in feature.user_fields()])
