"""The page at `/`, and the client module for web apps."""

from litestar.config.app import AppConfig

from entrypoints.http.features.start.client.module_files import CLIENT_FILES
from entrypoints.http.features.start.controller import StartController, page_files
from entrypoints.http.features.start.settings import HttpStartPageSettings
from entrypoints.http.plugin import ApiPlugin


class StartPlugin(ApiPlugin):
    """The client module, and in development the page. Without it, its paths are unknown ones."""

    def __init__(self, settings: HttpStartPageSettings | None) -> None:
        self._settings = settings
        self.files = CLIENT_FILES
        if settings is not None:
            self.files = {**CLIENT_FILES, **page_files()}
            self.hidden_controllers = (StartController,)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        if self._settings is not None:
            app_config.state["start_page_settings"] = self._settings
        return super().on_app_init(app_config)
