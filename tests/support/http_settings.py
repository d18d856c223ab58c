"""Settings of the HTTP side for tests, and the plugins of all features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from entrypoints.composition.features import FEATURES
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.feature import Feature
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.settings import HttpServerSettings, HttpSettings
from tests.support.builders import change_parts

# Some of its parts equal only themselves, and equal settings use an application again.
_DEFAULTS: Final = HttpSettings(server=HttpServerSettings(public_url="http://test"))


@dataclass(frozen=True)
class AppSettings:
    """What an application is made of: the settings of the core, and what plugins are made of.

    Plugins are made by variables. One of `plugins` is taken instead of that of its class.
    """

    http: HttpSettings
    variables: tuple[tuple[str, str], ...] = ()
    plugins: tuple[ApiPlugin, ...] = ()

    @property
    def server(self) -> HttpServerSettings:
        """The settings of all requests."""
        return self.http.server


def current_features() -> tuple[Feature[Any], ...]:
    """Return all features, or those that the test has put in their place."""
    return tuple(FEATURES)


def make_plugins(settings: AppSettings) -> Sequence[ApiPlugin]:
    """Make the plugins of all features, with the console unless a variable says otherwise."""
    read = read_settings({"DIALTONE_WEB_CONSOLE": "yes", **dict(settings.variables)}, None)
    made = [plugin for feature in FEATURES for plugin in feature.plugins(read, FEATURES)]
    replaced = {type(plugin) for plugin in settings.plugins}
    return [*settings.plugins, *(plugin for plugin in made if type(plugin) not in replaced)]


def make_http_settings(
    public_url: str = "http://test", variables: Mapping[str, str] | None = None, **values: Any
) -> AppSettings:
    """Return settings without limits of requests. Each value goes to the part that has its name.

    The variables are for the features.
    """
    settings = AppSettings(_DEFAULTS, tuple((variables or {}).items()))
    return change_http_settings(settings, public_url=public_url, **values)


def change_http_settings(settings: AppSettings, **values: Any) -> AppSettings:
    """Return settings with other values. Each goes to the part that has its name."""
    return replace(settings, http=change_parts(settings.http, values))
