"""All controllers of the console."""

from typing import Final

from litestar import Controller

from entrypoints.http.console.activity import ActivityController
from entrypoints.http.console.audit import AuditPageController
from entrypoints.http.console.costs import CostsController
from entrypoints.http.console.library import LibraryPageController
from entrypoints.http.console.limits import LimitsController
from entrypoints.http.console.overview import OverviewController
from entrypoints.http.console.security import SecurityController
from entrypoints.http.console.sign_in import SignInController, SignOutController
from entrypoints.http.console.style import StyleController
from entrypoints.http.console.user_acts import UserActController
from entrypoints.http.console.users import UserPageController

CONSOLE_CONTROLLERS: Final[tuple[type[Controller], ...]] = (
    SignInController,
    SignOutController,
    StyleController,
    SecurityController,
    OverviewController,
    UserPageController,
    UserActController,
    AuditPageController,
    LimitsController,
    CostsController,
    ActivityController,
    LibraryPageController,
)
