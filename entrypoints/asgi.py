"""What server workers import."""

import os
from importlib.metadata import version

from entrypoints.bootstrap import open_use_cases
from entrypoints.http.app import create_app
from entrypoints.http.dependencies import HttpSettings
from entrypoints.http.middleware import RequestContextMiddleware
from entrypoints.logs import configure_logs
from entrypoints.settings import ENV_FILE, Settings, read_settings


def make_app() -> RequestContextMiddleware:
    """Make the application from the environment and the current folder's `.env`."""
    settings = read_settings(os.environ, ENV_FILE)
    configure_logs(settings.log_level, settings.log_format)
    return create_app(lambda: open_use_cases(settings), http_settings(settings))


def http_settings(settings: Settings) -> HttpSettings:
    """Pick what the HTTP side needs to know."""
    return HttpSettings(
        version=version("dialtone"),
        public_url=settings.public_url,
        upload_limit=settings.upload_limit,
        default_region=settings.default_region,
        trusted_proxies=settings.trusted_proxies,
    )
