"""The page at `/`, and the client module for web apps."""

from litestar.config.app import AppConfig

from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.start.client.controller import ClientController
from entrypoints.http.start.controller import StartController
from entrypoints.http.start.settings import HttpStartPageSettings


class StartPlugin(ApiPlugin):
    """The client module, and in development the page. Without it, its paths are unknown ones."""

    def __init__(self, settings: HttpStartPageSettings | None) -> None:
        """Take the settings of the page; None if there is none."""
        self._settings = settings
        page = () if settings is None else (StartController,)
        self.hidden_controllers = (ClientController, *page)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the settings of the page."""
        if self._settings is not None:
            app_config.state["start_page_settings"] = self._settings
        return super().on_app_init(app_config)
