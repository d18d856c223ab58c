"""The rows that `dialtone user show` and the web console have of a Struct."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from entrypoints.texts.user_rows import Section, join_rows, list_rows

TIME = "2026-05-01T09:30:00.123Z"


class Device(msgspec.Struct, kw_only=True):
    expires_at: str = TIME
    name: str | None = None


class State(msgspec.Struct, kw_only=True):
    printed: ClassVar = ("summary", "is_open", "device")

    summary: str = "three attempts"
    attempts: int = 3
    is_open: bool = False
    device: Device | None = None


class Details(msgspec.Struct, kw_only=True):
    number: str | None = None
    newest: Device | None = None
    devices: list[Device] = []
    deadlines: list[str] = []
    data: Mapping[str, Any] = {}
    state: State | None = None


def test_times_lists_and_objects_are_one_line() -> None:
    details = Details(number=TIME, devices=[Device()], deadlines=[TIME, TIME], data={"é": [1]})
    time = "2026-05-01 09:30:00 UTC"
    rows, [devices] = list_rows(details)
    assert rows == [("number", time), ("deadlines", f"{time}, {time}"), ("data", '{"é": [1]}')]
    assert devices == Section("devices", [[("expires at", time), ("name", "")]], is_list=True)
    assert join_rows(devices.items[0]) == f"expires at {time}"


def test_a_struct_has_the_fields_that_it_prints_on_their_lines() -> None:
    details = Details(devices=[], deadlines=[], state=State(device=Device(name="Pixel")))
    _, [state] = list_rows(details)
    device = ("device", "expires at 2026-05-01 09:30:00 UTC, name Pixel")
    shown = [("summary", "three attempts"), ("is open", "no"), device]
    assert state == Section("state", [shown], is_list=False)
