"""The clock of the service steps back or forward under traffic."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.e2e.app import App
from tests.faults.faulty_service import FaultyService, run_faulty_service
from tests.faults.traffic import BEHIND_A_PROXY, run_traffic
from tests.support.images import transparent_png
from tests.support.plain_http import PLAIN_HTTP

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyService]:
    with run_faulty_service(tmp_path_factory.mktemp("service"), BEHIND_A_PROXY) as service:
        yield service


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=str)
async def test_a_step_stops_no_login_ends_no_session_and_hides_no_item(
    service: FaultyService, step: timedelta
) -> None:
    service.set_clock_offset(timedelta())
    phone = f"+141555700{step // HOUR + 5:02d}"
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=30, **PLAIN_HTTP) as http,
        run_traffic(service) as traffic,
    ):
        app = App(service, http)
        account = await app.sign_up(phone)
        item = await app.upload_item(account, transparent_png())
        await traffic.until_acknowledged(12)

        service.set_clock_offset(step)

        await traffic.until_acknowledged(12)
        assert (await http.get("/users/me", headers=account.headers)).status_code == 200
        cleanup = service.run("cleanup")
        assert cleanup.returncode == 0, cleanup.stderr
        assert (await http.get(item["url"])).status_code == 200
        # A code that was sent before the step is no obstacle.
        await app.sign_in(phone)
        service.set_clock_offset(timedelta())
        await traffic.until_acknowledged(12)
