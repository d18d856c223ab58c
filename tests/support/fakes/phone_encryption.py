from adapters.operations.system import SystemRandomness
from adapters.security.encryption import AesPhoneEncryption
from tests.support.keys import FakeKeyRing


class FakePhoneEncryption(AesPhoneEncryption):
    """The encryption of the service. Its keys are the same in each test, or made of this one."""

    def __init__(self, key: bytes = b"the only key") -> None:
        key = key.ljust(32, b"-")
        super().__init__(key, FakeKeyRing(("0000000a", key)), SystemRandomness())
