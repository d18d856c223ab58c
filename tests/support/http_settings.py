"""Settings of the HTTP side for tests, and the additions of all features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from entrypoints.composition.features import FEATURES
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.feature import Feature
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.settings import HttpServerSettings, HttpSettings
from tests.support.builders import change_parts

# Some of its parts equal only themselves, and equal settings use an application again.
_DEFAULTS: Final = HttpSettings(server=HttpServerSettings(public_url="http://test"))


@dataclass(frozen=True)
class AppSettings:
    """What an application is made of: the settings of the core, and what additions are made of.

    Additions are made by variables. One of `additions` is taken instead of that of its class.
    """

    http: HttpSettings
    variables: tuple[tuple[str, str], ...] = ()
    additions: tuple[HttpAdditions, ...] = ()

    @property
    def server(self) -> HttpServerSettings:
        """The settings of all requests."""
        return self.http.server


def current_features() -> tuple[Feature[Any], ...]:
    """Return all features, or those that the test has put in their place."""
    return tuple(FEATURES)


def make_http_additions(settings: AppSettings) -> Sequence[HttpAdditions]:
    """Make the additions of all features, with the console unless a variable says otherwise."""
    read = read_settings({"DIALTONE_WEB_CONSOLE": "yes", **dict(settings.variables)}, None)
    made = [addition for feature in FEATURES for addition in feature.http_additions(read, FEATURES)]
    replaced = {type(addition) for addition in settings.additions}
    return [*settings.additions, *(addition for addition in made if type(addition) not in replaced)]


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
