"""The commands of the library: `media` and `library`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from application.media import acts
from domain.administration.scope import Scope
from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands
from entrypoints.commands.options import ID, add_act_options

if TYPE_CHECKING:
    from entrypoints.settings.settings import Settings


def _add_media(media: ArgumentParser) -> None:
    media.add_argument(
        "action", metavar="ACTION", choices=["check", "rebuild-variants"], help="what to do"
    )
    media.add_argument(
        "--repair",
        action="store_true",
        help="check: delete items without their file, and files without an item",
    )
    media.add_argument(
        "--force", action="store_true", help="check: repair also if no item has its file at all"
    )


def _media(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.media.media import media

    return media(settings, arguments)


def _add_item(action: ArgumentParser) -> None:
    action.add_argument("item", metavar="ITEM", help="the id of the item")
    add_act_options(action)


def _hide(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.media.library import hide_item

    return hide_item(settings, arguments)


def _unhide(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.media.library import unhide_item

    return unhide_item(settings, arguments)


def _delete(settings: "Settings", arguments: Namespace) -> Iterable[str]:
    from entrypoints.commands.media.library import delete_item

    return delete_item(settings, arguments)


_COMMANDS: Final = (
    Command(
        name="media",
        help="Compare the library with the media store, or rebuild variants. check: compare them, "
        "for example after a backup was restored. rebuild-variants: make the variants that "
        "DIALTONE_MEDIA_VARIANTS names for all images, and delete others. Both are safe while the "
        "service runs, and may be repeated.",
        examples=("media check", "media check --repair", "media rebuild-variants"),
        add_arguments=_add_media,
        run=_media,
    ),
    Command(
        name="library",
        help="Hide an item of the library, show it again, or delete it.",
        examples=(
            f"library hide {ID} --reason 'report 815: shows a license plate'",
            f"library unhide {ID} --reason 'report 815: it is her own'",
            f"library delete {ID} --reason 'report 816'",
        ),
        actions=(
            Command(
                name=acts.HIDE.name,
                help=f"{acts.HIDE.does}. Its file stays: a public URL of the media store opens it "
                "until the item is deleted.",
                examples=(f"{acts.HIDE.name} {ID} --reason 'report 815'",),
                add_arguments=_add_item,
                run=_hide,
            ),
            Command(
                name=acts.UNHIDE.name,
                help=f"{acts.UNHIDE.does}.",
                examples=(f"{acts.UNHIDE.name} {ID} --reason 'report 815'",),
                add_arguments=_add_item,
                run=_unhide,
            ),
            Command(
                name=acts.DELETE.name,
                help=f"{acts.DELETE.does}. Nobody can undo it.",
                examples=(f"{acts.DELETE.name} {ID} --reason 'report 815'",),
                add_arguments=_add_item,
                run=_delete,
            ),
        ),
    ),
)
FEATURE_COMMANDS: Final = FeatureCommands(
    commands=_COMMANDS,
    subject="an image library",
    tried="the media store",
    not_copied="Media files are not copied.",
    scopes=(Scope.READ_LIBRARY, Scope.MODERATE_LIBRARY),
)
