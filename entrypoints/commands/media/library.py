"""`dialtone library`: hide an item of the library, show it again, or delete it."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from application.administration.acts import Act
from application.administration.caller import Caller
from application.media import acts
from application.media.feature import LibraryFeature
from application.media.moderate_items import ModerateItems
from application.use_cases import UseCases
from domain.errors import DomainError
from domain.identifier import parse_identifier
from domain.media.errors import ItemNotFound
from domain.media.item import MediaItem
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.feature import Feature
from entrypoints.features.media import MEDIA, MEDIA_RECORDS
from entrypoints.opening.startup_error import InvalidArgument, StartupError, print_errors
from entrypoints.settings.settings import Settings

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    ItemNotFound: "There is no item with this id in the library, shown or hidden."
}

_Run = Callable[[ModerateItems, Caller, str, str], Awaitable[MediaItem]]
_URLS: Final = "Its public URLs, if there are any, work until it is deleted."


@dataclass(frozen=True, slots=True)
class _Command:
    caller: Caller
    item_id: str
    reason: str


def hide_item(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Hide an item."""
    item = _act(settings, ModerateItems.hide, _parse(arguments, acts.HIDE))
    return [f"The item {item.id} of the user {item.owner_id} is hidden now. {_URLS}"]


def unhide_item(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Show a hidden item again."""
    item = _act(settings, ModerateItems.unhide, _parse(arguments, acts.UNHIDE))
    return [f"The item {item.id} of the user {item.owner_id} is shown again."]


def delete_item(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Delete an item and its files."""
    item = _delete(settings, _parse(arguments, acts.DELETE))
    return [f"The item {item.id} of the user {item.owner_id} is deleted."]


def _parse(arguments: Namespace, act: Act) -> _Command:
    item_id = parse_identifier(arguments.item)
    if item_id is None:
        raise InvalidArgument("ITEM: the id of an item has 24 hex digits, as in GET /library.")
    caller = parse_operator(arguments)
    reason = parse_reason_option(arguments.reason, is_required=caller.needs_reason(act))
    return _Command(caller, item_id, reason)


def _delete(settings: Settings, command: _Command) -> MediaItem:
    try:
        MEDIA.check_created(settings)
        return _act(settings, ModerateItems.delete, command, MEDIA)
    except StartupError as error:
        item = _act(settings, ModerateItems.delete, command)
        print_errors(str(error), "The files of the item stay until the service deletes them.")
        return item


def _act(
    settings: Settings, run: _Run, command: _Command, feature: Feature = MEDIA_RECORDS
) -> MediaItem:
    async def call(use_cases: UseCases) -> MediaItem:
        return await run(
            use_cases.of(LibraryFeature).moderate_items,
            command.caller,
            command.item_id,
            command.reason,
        )

    with explain_errors(_ERRORS):
        return call_with_use_cases(settings, call, [feature])
