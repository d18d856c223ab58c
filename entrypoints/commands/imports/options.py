"""Options that all imports have."""

from argparse import Namespace

from domain.errors import InvalidValue
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.parsers import parse_country_code
from entrypoints.settings.settings import Settings


def parse_import_reason(arguments: Namespace) -> str:
    """Parse the reason of an import, which a dry run does not need; raises InvalidArgument."""
    return parse_reason_option(arguments.reason, is_required=not arguments.dry_run)


def parse_region_option(settings: Settings, text: str | None) -> str | None:
    """Return the country of numbers without a country code; raises InvalidArgument."""
    if text is None:
        return settings.default_region
    try:
        return parse_country_code(text)
    except InvalidValue as error:
        raise InvalidArgument(f"--region: {error.message}") from None
