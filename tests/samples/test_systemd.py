"""The samples for systemd: units that it accepts, and what they start.

`test_rolling_restart.py` has two instances of one machine.
"""

import json
import re
import time
from pathlib import Path
from typing import Final

import pytest

from tests.samples.systemd import Machine, UnitInstance, systemd_analyze
from tests.support.client import open_client, sign_in
from tests.support.images import plain_jpeg
from tests.support.servers.fake_twilio import FakeTwilio

MAX_EXPOSURE: Final = 2.0
"""Of 10: what `systemd-analyze security` calls OK. A unit without restrictions has 9.6."""
PHONE: Final = "+14155591201"


@pytest.mark.parametrize("unit", ["dialtone.service", "dialtone@8000.service"])
def test_systemd_accepts_a_unit_that_exposes_little(tmp_path: Path, unit: str) -> None:
    with FakeTwilio() as twilio:
        units = Machine(tmp_path, twilio).units
    verified = systemd_analyze("verify", units / unit)
    assert (verified.returncode, verified.stderr) == (0, "")

    rated = systemd_analyze("security", "--offline=true", "--no-pager", units / unit)
    assert rated.returncode == 0, rated.stderr
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    assert 0 < float(exposure) <= MAX_EXPOSURE, rated.stdout


def test_a_unit_starts_the_service_with_its_restrictions(tmp_path: Path) -> None:
    with FakeTwilio() as twilio:
        machine = Machine(tmp_path / "machine", twilio)
        service = UnitInstance(machine, "dialtone")
        # The port of the sample may be in use here.
        machine.set({"DIALTONE_BIND": f"127.0.0.1:{service.port}"})
        try:
            service.start().wait_until_ready("ready")
            headers = {"Authorization": f"Bearer {sign_in(service, PHONE)}"}
            with open_client(service, headers) as http:
                user = http.post("/users", json={"username": "Asha", "number": PHONE}).json()
                uploaded = http.post(
                    "/library/upload",
                    files={"file": ("a.jpg", plain_jpeg())},
                    data={"user_id": user["user_id"]},
                )
            assert uploaded.status_code == 201, uploaded.text
            stopped_at = time.monotonic()
            assert service.stop() == 0
            seconds = time.monotonic() - stopped_at
        finally:
            if service.is_running:
                service.kill()

    log = [json.loads(line) for line in service.log.splitlines()]
    assert [line for line in log if line["level"] != "info"] == []
    (stopping,) = (line for line in log if line["event"] == "service_stopping")
    longest = stopping["delay_seconds"] + stopping["drain_timeout_seconds"]
    assert seconds < longest + 5 <= service.stop_timeout
    # nginx may read the media folder as a member of the group, and others may read nothing.
    modes = {path.stat().st_mode & 0o777 for path in machine.state.rglob("*.jpg")}
    assert (machine.state.stat().st_mode & 0o777, modes) == (0o750, {0o640})
