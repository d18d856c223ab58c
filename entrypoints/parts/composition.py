"""What a program opens, and what each of these needs to open itself."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from adapters.databases.records.database import Database
from adapters.databases.records.phone_encryption import PhoneEncryption
from application.code_derivation import CodeDerivation
from application.core_ports import CorePorts, SecurityEventListeners
from application.otp.deliver_code import SendNotice
from application.ports.system import SystemPorts
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.operations.metrics.exposition import MeasuredGauge, Samples
    from adapters.operations.metrics.metrics import Metrics
    from adapters.security.keys.keys import SecretKeys
    from entrypoints.settings.rules import Library


@dataclass(frozen=True, slots=True)
class Openable:
    """Limits, one-time codes, the details of a user, or a feature: a program opens what it needs.

    Attributes:
        opens: What of the core has to be open, such as `otp`.
        files_read: The fields that `check_files` reads: it is called where these are valid.
    """

    name: ClassVar[str]
    opens: ClassVar[tuple[str, ...]] = ()
    files_read: ClassVar[tuple[str, ...]] = ()

    def libraries(self, settings: "Settings") -> "Iterable[Library]":
        """Return the libraries that it needs with these settings."""
        del settings
        return ()

    def check_files(self, settings: "Settings") -> None:
        """Check the files that its settings name, at the start and in `check-settings`."""
        del settings

    def notes(self, settings: "Settings") -> Iterable[str]:
        """Return what `check-settings` says at its end: what is valid, and may be a mistake."""
        del settings
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What features are opened with, before the core is built.

    Only the service uses what follows `is_service`.

    Attributes:
        opens: The names of all that this program opens.
        send_notice: Sends messages without codes; None where no provider is open.
        tasks: What each worker does in the background until the block ends.
        gauges: What is read for each answer with metrics.
        banner_urls: What a person can open first, by what it is for, for the banner of a start.
        banner_adapters: The adapters in use, by what they are for, for the same banner.
    """

    settings: Settings
    system: SystemPorts
    listeners: SecurityEventListeners
    keys: "SecretKeys"
    phone_encryption: PhoneEncryption
    database: Database
    core_ports: CorePorts
    codes: CodeDerivation
    opens: Collection[str]
    send_notice: SendNotice | None = None
    metrics: "Metrics | None"
    stack: AsyncExitStack
    is_service: bool
    tasks: list[AbstractAsyncContextManager[None]] = field(default_factory=list)
    gauges: "list[MeasuredGauge]" = field(default_factory=list)
    banner_urls: dict[str, str] = field(default_factory=dict)
    banner_adapters: dict[str, str] = field(default_factory=dict)

    def add_gauge(
        self,
        name: str,
        text: str,
        measure: "Callable[[], Awaitable[Samples]]",
        *labels: str,
    ) -> None:
        """Add a gauge, if there are metrics; see `MeasuredGauge`."""
        if self.metrics is not None:
            from adapters.operations.metrics.exposition import MeasuredGauge

            self.gauges.append(MeasuredGauge(name, text, measure, labels))
