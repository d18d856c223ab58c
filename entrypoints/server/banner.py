"""The banner that an operator sees when the service starts."""

from importlib.metadata import version

from entrypoints.settings.read import describe
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import SmsProvider


def render_banner(settings: Settings) -> str:
    """Render the URLs of the service and the adapters in use."""
    url = settings.bind.local_url
    shown = {row.name: row.shown for row in describe(settings)}
    hint = " (shown below)" if SmsProvider.CONSOLE in settings.sms else ""
    calls = f"by Twilio from {settings.twilio_caller_id}" if settings.has_phone_line else "none"
    keys = "in DIALTONE_SECRETS" if settings.secrets.value else settings.secrets_file
    return "\n".join(
        [
            "",
            f"  Dialtone {version('dialtone')} listens on {url}",
            "",
            f"  API docs:  {url}/docs",
            f"  messages:  {shown['DIALTONE_SMS']}{hint}",
            f"  calls:     {calls}",
            f"  media:     {shown['DIALTONE_MEDIA']}",
            f"  database:  {shown['DIALTONE_DATABASE']}",
            f"  keys:      {keys}",
            "",
            "  Press Ctrl-C to stop.",
            "",
        ]
    )
