"""All commands that need the settings, but `run`; each yields or returns the lines to print."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from entrypoints.commands.admin_tokens import admin_token
from entrypoints.commands.audit import audit
from entrypoints.commands.backup import back_up, restore
from entrypoints.commands.check_settings import check_settings
from entrypoints.commands.cleanup import cleanup
from entrypoints.commands.copy import copy
from entrypoints.commands.costs import costs
from entrypoints.commands.events import events
from entrypoints.commands.flow import flow
from entrypoints.commands.imports import import_from
from entrypoints.commands.keys import reencrypt_phones, rotate_index_key, rotate_keys
from entrypoints.commands.library import library
from entrypoints.commands.media import media
from entrypoints.commands.migrate import migrate
from entrypoints.commands.prices import prices
from entrypoints.commands.restore_check import restore_check
from entrypoints.commands.statistics import statistics
from entrypoints.commands.users import user, user_alias
from entrypoints.commands.voice import show_voice_urls
from entrypoints.settings.settings import Settings

COMMANDS: Final[Mapping[str, Callable[[Settings, Namespace], Iterable[str]]]] = {
    "check-settings": check_settings,
    "cleanup": cleanup,
    "migrate": migrate,
    "media": media,
    "backup": back_up,
    "restore": restore,
    "restore-check": restore_check,
    "copy": copy,
    "rotate-keys": rotate_keys,
    "reencrypt-phones": reencrypt_phones,
    "rotate-index-key": rotate_index_key,
    "import": import_from,
    "user": user,
    "library": library,
    "audit": audit,
    "admin-token": admin_token,
    "events": events,
    "costs": costs,
    "statistics": statistics,
    "prices": prices,
    "promote": user_alias,
    "demote": user_alias,
    "block": user_alias,
    "unblock": user_alias,
    "sign-out": user_alias,
    "restore-identity": user_alias,
    "flow": flow,
    "voice": show_voice_urls,
}
