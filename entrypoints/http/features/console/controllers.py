"""All controllers of the console, but those about other features."""

from typing import Final

from litestar import Controller

from entrypoints.http.features.console.audit import AuditPageController
from entrypoints.http.features.console.overview import OverviewController
from entrypoints.http.features.console.sign_in import SignInController, SignOutController
from entrypoints.http.features.console.user_acts import UserActController
from entrypoints.http.features.console.users import UserPageController

CONSOLE_CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    SignInController,
    SignOutController,
    OverviewController,
    UserPageController,
    UserActController,
    AuditPageController,
)
