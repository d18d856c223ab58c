"""The reservation of the bind address."""

import pytest

from entrypoints.server.bind import reserve_bind
from entrypoints.settings.startup_error import StartupError
from entrypoints.settings.values import Bind
from tests.support.servers.process import free_ports


def test_an_address_is_reserved_once_and_again_after_the_end() -> None:
    bind = Bind("127.0.0.1", free_ports(1)[0])
    for _ in range(2):
        with reserve_bind(bind):
            with pytest.raises(StartupError, match=r"in use.*DIALTONE_BIND"), reserve_bind(bind):
                pass
            with reserve_bind(Bind(bind.host, free_ports(1)[0])):
                pass


def test_the_error_names_the_setting_of_the_address() -> None:
    bind = Bind("127.0.0.1", free_ports(1)[0])
    variable = "DIALTONE_METRICS_BIND"
    with (
        pytest.raises(StartupError, match=r"DIALTONE_BIND.*no-such-host\.invalid.* Example: "),
        reserve_bind(Bind("no-such-host.invalid", 8000)),
    ):
        pass
    with (
        reserve_bind(bind),
        pytest.raises(StartupError, match=rf"{variable}. Example: {variable}="),
        reserve_bind(bind, variable),
    ):
        pass
