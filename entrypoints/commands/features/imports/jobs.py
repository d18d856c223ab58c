"""The two kinds of imports."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from adapters.imports.import_file import ImportFile
from adapters.imports.picture_folder import open_picture_folder
from application.features.imports import item_lines, user_lines
from application.features.imports.item_lines import ImportedItem, parse_item_line
from application.features.imports.lines import ImportOutcome, Source
from application.features.imports.user_lines import ImportedUser, UserLines
from domain.administration.audit import AuditAction
from entrypoints.commands.features.imports.job import ImportJob
from entrypoints.commands.shared.parsing import name_option, parse_file
from entrypoints.features.media.feature import IMPORTED_MEDIA, MEDIA_RECORDS
from entrypoints.opening.named_variable import name_variable
from entrypoints.settings.parsers import parse_country_code
from entrypoints.settings.settings import Settings

_PHONE_MISSING: Final = ": every user has one."
_BLOCKED_MISSING: Final = (
    ", which says who is blocked elsewhere: without it they could sign in here. Add it, or use"
    " --ignore-blocks if nobody is."
)


def make_users_job(
    settings: Settings, file: str, region: str | None, *, ignores_blocks: bool
) -> ImportJob[ImportedUser]:
    """Return the import of a file of users; raises InvalidArgument."""
    country = settings.default_region
    if region is not None:
        with name_option("--region"):
            country = parse_country_code(region)
    path = parse_file(file)
    required = {"phone": _PHONE_MISSING} | ({} if ignores_blocks else {"blocked": _BLOCKED_MISSING})
    lines = ImportFile(path=path, names=user_lines.FIELDS, required=required, objects=("claims",))
    rules = settings.phone_rules
    parser = UserLines(default_region=country, rules=rules, ignores_blocks=ignores_blocks)
    return ImportJob(
        settings=settings,
        path=path,
        source=Source(lines.read, parser.parse),
        kind="users",
        outcomes=(
            ImportOutcome.CREATED,
            ImportOutcome.UNCHANGED,
            ImportOutcome.COMPLETED,
            ImportOutcome.REJECTED,
        ),
        left_out="a username",
        action=AuditAction.IMPORT_USERS,
        media=MEDIA_RECORDS,
        import_checked=lambda imports, checked, observer, run: imports.import_users(
            checked, observer, run
        ),
    )


def make_items_job(settings: Settings, file: str, folder: str) -> ImportJob[ImportedItem]:
    """Return the import of a file of items; raises InvalidArgument and ConfigurationError."""
    path = parse_file(file)
    with name_variable("--files"):
        pictures = open_picture_folder(Path(folder))
    required = {
        "id": ".",
        "owner": ".",
        "file": ", the path of a picture in the folder of --files.",
    }
    lines = ImportFile(path=path, names=item_lines.FIELDS, required=required)
    return ImportJob(
        # The service of this machine decodes in processes of its own.
        settings=replace(settings, workers=1),
        path=path,
        source=Source(lines.read, parse_item_line),
        kind="items",
        outcomes=(
            ImportOutcome.CREATED,
            ImportOutcome.UNCHANGED,
            ImportOutcome.DELETED,
            ImportOutcome.REJECTED,
        ),
        left_out="a category",
        action=AuditAction.IMPORT_ITEMS,
        media=IMPORTED_MEDIA,
        import_checked=lambda imports, checked, observer, run: imports.import_items(
            checked, pictures, observer, run
        ),
    )
