"""`dialtone media` and `dialtone library`."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Final

import click

from application.administration.operator import Operator
from application.features.media.check_media import MediaFindings
from application.features.media.feature import Media
from application.features.media.moderate_items import DELETE, HIDE, UNHIDE, ModerateItems
from domain.features.media.errors import ItemNotFound
from domain.features.media.item import MediaItem
from domain.identifier import parse_identifier
from entrypoints.commands.shared.command import CommandGroup
from entrypoints.commands.shared.options import ID, ActOptions, act_options
from entrypoints.commands.shared.progress import show_progress
from entrypoints.commands.shared.use_case_calls import call_feature
from entrypoints.features.feature import Feature
from entrypoints.features.media.feature import MEDIA, MEDIA_RECORDS
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import (
    CommandError,
    InvalidArgument,
    StartupError,
    print_errors,
)

media: Final = CommandGroup(
    "media",
    help="Compare the library with the media store, or rebuild variants. Both are safe while the "
    "service runs, and may be repeated.",
    examples=["check", "check --repair", "rebuild-variants"],
)


@media.command(examples=["", "--repair"])
@click.option(
    "--repair", is_flag=True, help="Delete items without their file, and files without an item."
)
@click.option("--force", is_flag=True, help="Repair also if no item has its file at all.")
def check(settings: Settings, *, repair: bool, force: bool) -> Iterable[str]:
    """Compare the library with the media store, for example after a backup was restored."""

    async def find(library: Media) -> MediaFindings:
        check_media = library.media.check_media
        with show_progress() as show:

            def report(findings: MediaFindings) -> None:
                if findings.repaired:
                    show("repaired", findings.repaired, findings.orphans)
                else:
                    show("files and items checked", findings.files + findings.items)

            findings = await check_media.find(report)
            if repair:
                if findings.is_suspicious and not force:
                    raise CommandError(
                        f"Nothing was changed: no item of {findings.items} has its file. Check that"
                        " DIALTONE_DATABASE and DIALTONE_MEDIA belong together, or add --force."
                    )
                await check_media.repair(findings, report)
        return findings

    found = call_feature(settings, MEDIA, find)
    yield from (f"file without an item: {key}" for key in found.files_without_item)
    yield from (f"item without its file: {item_id}" for item_id in found.items_without_file)
    yield from (f"item without a variant: {item_id}" for item_id in found.items_without_variant)
    yield f"files checked: {found.files}; without an item: {len(found.files_without_item)}"
    yield (
        f"items checked: {found.items}; without their file: {len(found.items_without_file)};"
        f" without a variant: {len(found.items_without_variant)}"
    )
    if repair:
        yield f"repaired: {found.repaired}; corrected usages: {found.corrected_usages}"
        if found.items_without_variant:
            yield "Next: dialtone media rebuild-variants"
    elif found.orphans:
        raise CommandError("Some files or items have no counterpart: dialtone media check --repair")


@media.command(examples=[""])
def rebuild_variants(settings: Settings) -> Iterable[str]:
    """Make the variants that DIALTONE_MEDIA_VARIANTS names for all images, and delete others.

    The log has the progress.
    """
    report = call_feature(
        settings, MEDIA, lambda library: library.media.rebuild_variants(TemporaryFile)
    )
    yield from (f"{name.replace('_', ' ')}: {count}" for name, count in asdict(report).items())
    if report.failed_items:
        raise CommandError("Some images could not be decoded. The log has their ids.")


library: Final = CommandGroup(
    "library",
    help="Hide an item of the library, show it again, or delete it.",
    examples=[
        f"hide {ID} --reason 'report 815: shows a license plate'",
        f"unhide {ID} --reason 'report 815: it is her own'",
        f"delete {ID} --reason 'report 816'",
    ],
)
_item_argument: Final = click.argument("item", help="The id of the item.")


@library.command(examples=[f"{ID} --reason 'report 815'"])
@_item_argument
@act_options
def hide(settings: Settings, item: str, options: ActOptions) -> Iterable[str]:
    """Hide an item from everybody but staff, also from its owner.

    Its file stays: a public URL of the media store opens it until the item is deleted.
    """
    hidden = _moderate(settings, MEDIA_RECORDS, ModerateItems.hide, item, options.parse(HIDE))
    return [
        f"The item {hidden.id} of the user {hidden.owner_id} is hidden now. Its public URLs, if "
        "there are any, work until it is deleted."
    ]


@library.command(examples=[f"{ID} --reason 'report 815'"])
@_item_argument
@act_options
def unhide(settings: Settings, item: str, options: ActOptions) -> Iterable[str]:
    """Show a hidden item again to those who saw it before."""
    shown = _moderate(settings, MEDIA_RECORDS, ModerateItems.unhide, item, options.parse(UNHIDE))
    return [f"The item {shown.id} of the user {shown.owner_id} is shown again."]


@library.command(examples=[f"{ID} --reason 'report 815'"])
@_item_argument
@act_options
def delete(settings: Settings, item: str, options: ActOptions) -> Iterable[str]:
    """Delete an item and its files, hidden or not. This is final."""
    call = ModerateItems.delete, item, options.parse(DELETE)
    try:
        deleted = _moderate(settings, MEDIA, *call)
    except StartupError as error:
        deleted = _moderate(settings, MEDIA_RECORDS, *call)
        print_errors(str(error), "The files of the item stay until the service deletes them.")
    return [f"The item {deleted.id} of the user {deleted.owner_id} is deleted."]


def _moderate(
    settings: Settings,
    feature: Feature[Media],
    act: Callable[[ModerateItems, Operator, str, str], Awaitable[MediaItem]],
    item: str,
    options: tuple[Operator, str],
) -> MediaItem:

    item_id = parse_identifier(item)
    if item_id is None:
        raise InvalidArgument("ITEM: the id of an item has 24 hex digits, as in GET /library.")
    operator, reason = options

    async def call(library: Media) -> MediaItem:
        return await act(library.moderation.moderate_items, operator, item_id, reason)

    return call_feature(
        settings,
        feature,
        call,
        {ItemNotFound: "There is no item with this id in the library, shown or hidden."},
    )
