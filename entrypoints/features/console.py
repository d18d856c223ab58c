"""The web console of administrators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from adapters.databases.records.features.console import KINDS, make_console_repositories
from entrypoints.features.feature import Feature, make_user_details_form
from entrypoints.settings.adapter_parsers import LOOPBACK_HOSTS
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.http.features.console.part import ConsolePart
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


def _load_parts(installed: Sequence[Feature]) -> "Sequence[ConsolePart]":
    """Return what the console has about other features: `part.py` in their folders `console`."""
    package = "entrypoints.http.features"
    names = sorted(feature.name for feature in installed)
    return [
        import_module(f"{package}.{name}.console.part").PART
        for name in names
        if files(package).joinpath(name, "console", "part.py").is_file()
    ]


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings(Settings):
    """Pages for administrators."""

    has_console: bool = setting(
        "yes has pages for administrators at /console; they sign in with a code.",
        "no",
        variable="DIALTONE_WEB_CONSOLE",
    )


def _check_url(has_console: bool, public_url: str) -> Iterator[Problem]:
    if not has_console:
        return
    name, parts = "DIALTONE_PUBLIC_URL", urlsplit(public_url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        yield Problem(
            name, "Must begin with https:// if DIALTONE_WEB_CONSOLE=yes: it has a secure cookie."
        )
    if parts.path.strip("/"):
        yield Problem(
            name, "Must have no path if DIALTONE_WEB_CONSOLE=yes: the pages are at /console."
        )


class _Console(Feature):
    name = "console"
    adds_to_export = True
    kinds = KINDS
    settings = ConsoleSettings
    rules = (_check_url,)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.console.user_fields import ConsoleFields

        return (ConsoleFields,)

    def plugins(self, settings: Settings, installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        if not settings.of(ConsoleSettings).has_console:
            return ()
        from entrypoints.http.features.console.plugin import ConsolePlugin

        return (ConsolePlugin(make_user_details_form(installed), _load_parts(installed)),)

    def add_details(self, composition: "Composition") -> None:
        from application.features.console.feature import add_console_details

        add_console_details(composition.use_cases, make_console_repositories(composition.database))

    async def open(self, composition: "Composition") -> None:
        from application.features.console.feature import ConsoleFeature, ConsoleRecordsFeature
        from application.otp.use_cases import OtpUseCases

        core = composition.use_cases
        records = ConsoleRecordsFeature(core, make_console_repositories(composition.database))
        if core.find(OtpUseCases) is not None:
            core.add(ConsoleFeature(core, records))


CONSOLE: Final = _Console()
