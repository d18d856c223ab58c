"""`dialtone import`: from elsewhere."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from entrypoints.commands.import_hookaba import import_hookaba
from entrypoints.commands.import_users import import_users
from entrypoints.settings.settings import Settings

_SOURCES: Final[Mapping[str, Callable[[Settings, Namespace], Iterable[str]]]] = {
    "hookaba": import_hookaba,
    "users": import_users,
}


def import_from(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Import from the source that the arguments name."""
    return _SOURCES[arguments.source_kind](settings, arguments)
