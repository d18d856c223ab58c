"""What the operator sees when the service starts."""

from importlib.metadata import version
from pathlib import Path

from entrypoints.settings import Settings


def banner(settings: Settings) -> str:
    """Say where it listens, where the API page is, and what stands in for what."""
    url = settings.bind.local_url
    return "\n".join(
        [
            "",
            f"  Dialtone {version('dialtone')} listens at {url}",
            "",
            f"  API page:  {url}/docs",
            "  messages:  shown below",
            f"  media:     {_short(settings.media.path)}",
            f"  database:  {_short(settings.database.path)}",
            f"  keys:      {_short(settings.secrets.path)}",
            "",
            "  Ctrl-C stops it.",
            "",
        ]
    )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
