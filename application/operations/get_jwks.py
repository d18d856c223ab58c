from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.public_keys import PublicKey, PublicKeys


@dataclass(frozen=True, slots=True)
class GetJwks:
    """Tell anybody how our access tokens are checked.

    - A key is told before it signs, so that who keeps the set has it by then.
    - A key that is not told any more signs nothing that counts.
    """

    keys: PublicKeys

    def __call__(self) -> Sequence[PublicKey]:
        return self.keys.list_published()
