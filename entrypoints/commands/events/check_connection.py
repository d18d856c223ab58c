"""The checks of the destinations of events, for `check-settings --connect`."""

from collections.abc import Mapping
from functools import partial

from entrypoints.commands.connection_checks import Check, check_own_adapter
from entrypoints.features.events import (
    Destination,
    EventSettings,
    destination_label,
    open_destination,
)
from entrypoints.opening.factories import name_variable
from entrypoints.settings.values import Factory


def connection_checks(settings: EventSettings) -> Mapping[str, Check]:
    """Return a check of each destination that the settings name."""
    return {
        f"events {destination_label(destination)}": partial(
            _check_destination, destination, settings
        )
        for destination in settings.events
    }


async def _check_destination(destination: Destination, settings: EventSettings) -> str:
    with name_variable(settings.variable_of("DIALTONE_EVENTS")):
        async with open_destination(destination, settings) as opened:
            if isinstance(destination, Factory):
                return await check_own_adapter(opened)
            return "the URL and the secret are valid; no request was sent"
