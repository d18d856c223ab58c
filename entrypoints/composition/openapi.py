"""Print `docs/openapi.json`; `make openapi` writes it."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from entrypoints.composition.features import FEATURES
from entrypoints.composition.read_settings import read_settings
from entrypoints.features.feature import Feature
from entrypoints.http.app import describe_app
from entrypoints.http.settings import HttpServerSettings, HttpSettings


def describe_features(features: Sequence[Feature] = FEATURES) -> Any:
    """Describe the API with these features and default settings, without a host."""
    defaults = read_settings({}, None)
    plugins = [plugin for feature in features for plugin in feature.plugins(defaults, features)]
    return describe_app(HttpSettings(server=HttpServerSettings(public_url="/")), plugins)


def render_description() -> str:
    """Render the description with all features."""
    return json.dumps(describe_features(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_description())
