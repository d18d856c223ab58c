"""`dialtone events snapshot`: send all users to one destination."""

import asyncio
import shlex
import signal
import time
from argparse import Namespace
from collections.abc import Iterable
from typing import Final

from adapters.records.outages import OutageRetries
from application.events.send_snapshot import (
    SendSnapshot,
    SnapshotFailed,
    SnapshotPosition,
    SnapshotProgress,
    parse_position,
)
from domain.administration.audit import AuditAction
from domain.errors import InvalidValue
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.events.events import require_events
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import open_with_features
from entrypoints.features.events import (
    EVENT_RECORDS,
    Destination,
    EventSettings,
    destination_label,
    open_destination,
)
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.startup_error import CommandError, InvalidArgument, print_errors
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import HttpHook

_SHOWN_EVERY: Final = 2.0
"""Seconds. After a kill, what was sent since the last line is sent again, with the same ids."""


def send_snapshot(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Send a snapshot, or continue one."""
    require_events(settings)
    destination = _find_destination(settings, arguments.destination)
    reason = parse_reason_option(arguments.reason, is_required=True)
    try:
        begin = parse_position(arguments.after) if arguments.after else None
    except InvalidValue as error:
        raise InvalidArgument(f"--after: {error.message}") from None
    sending = _Sending(settings, arguments, destination, reason)
    with explain_errors():
        progress = asyncio.run(sending.run(begin))
    users = "1 user" if progress.users == 1 else f"{progress.users:,} users"
    yield (
        f"The snapshot is complete: {users} and {progress.deleted:,} deleted ones were sent to "
        f"{destination_label(destination)}."
    )


def _find_destination(settings: Settings, text: str) -> Destination:
    """Find a destination by its label, its URL, or a part that no other label has."""
    by_label = {destination_label(each): each for each in settings.of(EventSettings).events}
    for label, destination in by_label.items():
        if text == label or (isinstance(destination, HttpHook) and text == destination.url):
            return destination
    matching = [label for label in by_label if text and text in label]
    if len(matching) == 1:
        return by_label[matching[0]]
    problem = "could be several destinations" if matching else "is no destination"
    names = ", ".join(matching or by_label)
    raise InvalidArgument(f"This {problem} of DIALTONE_EVENTS. Name one of: {names}")


class SnapshotInterrupted(Exception):
    """A signal ended it. The audit has the name of this error."""


class _Sending:
    """Sends a snapshot, and says how to continue it."""

    def __init__(
        self, settings: Settings, arguments: Namespace, destination: Destination, reason: str
    ) -> None:
        self._settings = settings
        self._operator = parse_operator(arguments).actor
        self._destination = destination
        self._reason = reason
        self._rate: int = arguments.rate
        self._acts_as: str | None = arguments.acts_as
        self._stop = asyncio.Event()
        self._position: SnapshotPosition | None = None
        self._shown_at = time.monotonic()
        self._accounts = 0

    async def run(self, begin: SnapshotPosition | None) -> SnapshotProgress:
        """Send. The first SIGINT or SIGTERM lets the requests under way finish."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        try:
            return await self._send(begin)
        except SnapshotFailed as error:
            asked = f", and asks for {error.retry_after:,} seconds" if error.retry_after else ""
            began_at = self._position.began_at if self._position else 0
            behind = SnapshotPosition(began_at, error.user_id)
            skip = f"\nIf all others are accepted, --after {behind} leaves this user out."
            raise CommandError(
                f"The snapshot ends here, because user {error.user_id} is not accepted: "
                f"{error.reason}{asked}. {self._how_to_continue()}"
                f"{'' if error.is_deletion else skip}"
            ) from None
        except SnapshotInterrupted:
            print_errors(self._how_to_continue())
            raise KeyboardInterrupt from None
        except BaseException:
            if self._position is not None:
                print_errors(self._how_to_continue())
            raise

    async def _send(self, begin: SnapshotPosition | None) -> SnapshotProgress:
        events, label = self._settings.of(EventSettings), destination_label(self._destination)
        retry = OutageRetries(self._stop.is_set)
        async with open_with_features(self._settings, [EVENT_RECORDS], retry=retry) as use_cases:
            with name_variable(self._settings.variable_of("DIALTONE_EVENTS")):
                opening = open_destination(self._destination, events)
            async with opening as destination:
                identities = use_cases.repositories.identities
                snapshot = SendSnapshot(
                    identities=identities,
                    destination=destination,
                    clock=use_cases.system.clock,
                    with_phone=events.events_have_phone,
                )
                self._accounts = await identities.estimate_number()
                since = f", after {begin}" if begin else ""
                async with use_cases.record_act(
                    self._operator,
                    AuditAction.SEND_SNAPSHOT,
                    "events",
                    f"{self._reason} (to {label}{since})",
                ):
                    self._position = begin or snapshot.begin()
                    print_errors(
                        f"At most {self._rate:,} a second go to {label}. {self._how_to_continue()}"
                    )
                    progress = await snapshot(self._position, self._rate, self, self._stop)
                    if not progress.is_complete:
                        raise SnapshotInterrupted
                    return progress

    def _end(self) -> None:
        self._stop.set()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def on_progress(self, progress: SnapshotProgress) -> None:
        """Show now and then how far it is, and how to continue after a kill."""
        self._position = progress.position
        if time.monotonic() - self._shown_at < _SHOWN_EVERY:
            return
        self._shown_at = time.monotonic()
        is_known = 0 < progress.accounts <= self._accounts
        share = f" ({100 * progress.accounts // self._accounts} %)" if is_known else ""
        print_errors(f"{progress.users:,} users sent{share}, --after {progress.position}")

    def on_failure(self, user_id: str, reason: str, pause: float) -> None:
        """Show that the destination did not accept something."""
        print_errors(
            f"User {user_id} is not accepted: {reason}. The next attempt is in {pause:,.0f} "
            "seconds."
        )

    def _how_to_continue(self) -> str:
        label = destination_label(self._destination)
        words = ["dialtone", "events", "snapshot", label, "--reason", self._reason]
        words += ["--rate", str(self._rate)]
        if self._acts_as is not None:
            words += ["--as", self._acts_as]
        return f"To continue: {shlex.join(words)} --after {self._position}"
