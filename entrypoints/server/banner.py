"""The banner that an operator sees when the service starts."""

from importlib.metadata import version
from pathlib import Path

from entrypoints.settings.read import describe
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, MediaFolder, SmsProvider, SqliteDatabase


def render_banner(settings: Settings) -> str:
    """Render the URLs of the service and the adapters in use."""
    url = settings.bind.local_url
    return "\n".join(
        [
            "",
            f"  Dialtone {version('dialtone')} listens on {url}",
            "",
            f"  API docs:  {url}/docs",
            f"  messages:  {', or else '.join(map(_provider, settings.sms))}",
            f"  calls:     {_calls(settings)}",
            f"  media:     {_media(settings)}",
            f"  database:  {_database(settings)}",
            f"  keys:      {_keys(settings)}",
            "",
            "  Press Ctrl-C to stop.",
            "",
        ]
    )


def _provider(provider: SmsProvider | Factory) -> str:
    match provider:
        case SmsProvider.CONSOLE:
            return "shown below"
        case SmsProvider.TWILIO:
            return "sent by Twilio"
        case Factory(path=path):
            return f"sent by {path}"


def _calls(settings: Settings) -> str:
    return f"by Twilio from {settings.twilio_caller_id}" if settings.has_phone_line else "none"


def _keys(settings: Settings) -> str:
    if settings.secrets.value:
        return "in DIALTONE_SECRETS"
    return _relative(settings.secrets_file)


def _media(settings: Settings) -> str:
    if isinstance(settings.media, MediaFolder):
        return _relative(settings.media.path)
    return _without_credentials(settings, "DIALTONE_MEDIA")


def _database(settings: Settings) -> str:
    if isinstance(settings.database, SqliteDatabase):
        return _relative(settings.database.path)
    return _without_credentials(settings, "DIALTONE_DATABASE")


def _without_credentials(settings: Settings, variable: str) -> str:
    return next(row.shown for row in describe(settings) if row.name == variable)


def _relative(path: Path) -> str:
    folder = Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
