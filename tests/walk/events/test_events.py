"""Events, which a destination gets."""

from pathlib import Path

import pytest

from tests.support.servers.fake_hook import FakeReceiver
from tests.support.walker import walking

pytestmark = pytest.mark.slow


def test_a_backend_hears_of_a_user(tmp_path: Path) -> None:
    with (
        FakeReceiver() as receiver,
        walking(tmp_path / "service", **receiver.environ) as walker,
    ):
        walker.sign_up("+14155571001", "Events Walk")
        walker.service.wait_for(lambda: "user.created" in receiver.types_of(walker.user_id))
