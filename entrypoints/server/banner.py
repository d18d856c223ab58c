"""The banner that an operator sees when the service starts."""

from entrypoints.features.voice import VoiceSettings
from entrypoints.opening.phone_providers import PhoneProvider
from entrypoints.opening.providers import prints_codes
from entrypoints.settings.read import describe
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment, Factory
from entrypoints.version.distribution import installed_version


def _describe_calls(settings: Settings) -> str:
    voice = settings.of(VoiceSettings)
    match voice.voice:
        case None:
            return "none"
        case PhoneProvider(title=title):
            return f"by {title} from {voice.caller_id}"
        case Factory(path=path):
            return f"by {path}"


def render_banner(settings: Settings) -> str:
    """Render the URLs of the service and the adapters in use."""
    url = settings.bind.local_url
    shown = {row.name: row.shown for row in describe(settings)}
    hint = " (shown below)" if any(map(prints_codes, settings.sms)) else ""
    keys = "in DIALTONE_SECRETS" if settings.secrets.value else settings.secrets_file
    return "\n".join(
        [
            "",
            f"  Dialtone {installed_version()} listens on {url}",
            "",
            *([f"  try it:    {url}/"] if settings.env is Environment.DEVELOPMENT else []),
            f"  API docs:  {url}/docs",
            f"  messages:  {shown['DIALTONE_SMS']}{hint}",
            f"  calls:     {_describe_calls(settings)}",
            f"  media:     {shown['DIALTONE_MEDIA']}",
            f"  database:  {shown['DIALTONE_DATABASE']}",
            f"  keys:      {keys}",
            "",
            "  Press Ctrl-C to stop.",
            "",
        ]
    )
