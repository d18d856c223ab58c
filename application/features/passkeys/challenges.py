"""Make challenges, and use each once."""

from dataclasses import dataclass

from application.ports.system import Clock, Randomness
from application.ports.versioned import ExpiringRecords
from domain.features.passkeys.challenge import (
    CHALLENGE_BYTES,
    PasskeyChallenge,
    PasskeyPurpose,
    hash_challenge,
)
from domain.features.passkeys.errors import ChallengeNotValid


@dataclass(frozen=True, slots=True)
class Challenges:
    """The challenges that browsers got, and did not use."""

    challenges: ExpiringRecords[PasskeyChallenge]
    clock: Clock
    randomness: Randomness

    async def make(self, purpose: PasskeyPurpose, invitation_id: str = "") -> bytes:
        challenge = self.randomness.bytes(CHALLENGE_BYTES)
        made = PasskeyChallenge(
            id=hash_challenge(challenge),
            purpose=purpose,
            invitation_id=invitation_id,
            created_at=self.clock.now(),
        )
        await self.challenges.add(made)
        return challenge

    async def use(self, challenge: bytes, purpose: PasskeyPurpose, invitation_id: str = "") -> None:
        """Use a challenge: nobody can use it again, whatever becomes of the response.

        Raises:
            ChallengeNotValid
        """
        challenge_id = hash_challenge(challenge)
        loaded = await self.challenges.load(challenge_id)
        if loaded is None:
            raise ChallengeNotValid
        # Of two at once, one deletes the record.
        is_ours = await self.challenges.delete(challenge_id, loaded.version)
        found = loaded.value
        is_same = (found.purpose, found.invitation_id) == (purpose, invitation_id)
        if not is_ours or not is_same or self.clock.now() >= found.expires_at:
            raise ChallengeNotValid
