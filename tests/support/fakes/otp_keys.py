from collections.abc import Mapping


class FakeOtpKeys:
    """OTP keys by id. The first is the current one."""

    def __init__(self, keys: Mapping[str, bytes] | None = None) -> None:
        self.keys = dict(keys or {"first": bytes(32)})

    def current_id(self) -> str:
        return next(iter(self.keys))

    def find_key(self, key_id: str) -> bytes | None:
        return self.keys.get(key_id)
