"""Print `docs/openapi.json`; `make openapi` writes it."""

import json
import sys

from entrypoints.composition.features import FEATURES
from entrypoints.composition.read_settings import read_settings
from entrypoints.http.app import describe_app
from entrypoints.http.settings import HttpServerSettings, HttpSettings


def render_description() -> str:
    """Render the description of the API with the console and default settings, without a host."""
    defaults = read_settings({"DIALTONE_WEB_CONSOLE": "yes"}, None)
    additions = [
        addition for feature in FEATURES for addition in feature.http_additions(defaults, FEATURES)
    ]
    settings = HttpSettings(server=HttpServerSettings(public_url="/"))
    return json.dumps(describe_app(settings, additions), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_description())
