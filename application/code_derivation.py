"""The codes of challenges, with the key that each was made with."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from application.ports.keys import KeyRing
from domain.errors import Unavailable
from domain.otp.attempts import DIGEST_BYTES
from domain.otp.challenge import (
    CHALLENGE_ID_BYTES,
    DEFAULT_OTP_LENGTH,
    MAX_CANDIDATES,
    NONCE_BYTES,
    OTP_TTL,
    Challenge,
    OtpCode,
    Purpose,
)
from domain.otp.fixed_codes import FixedCodes
from domain.phone import PhoneNumber

CHALLENGE_BYTES: Final = CHALLENGE_ID_BYTES + NONCE_BYTES
"""Random bytes of a challenge."""
_DIGEST_LABEL: Final = b"dialtone attempts\0"
_PADDING: Final = Challenge(
    id="-" * 2 * CHALLENGE_ID_BYTES,  # as long as any id, and never stored
    purpose=Purpose.SIGN_IN,
    nonce=bytes(NONCE_BYTES),
    key_id="",
    created_at=datetime.min.replace(tzinfo=UTC),
    expires_at=datetime.min.replace(tzinfo=UTC),
)
"""Takes the place of a challenge that a phone does not have."""


@dataclass(frozen=True, slots=True)
class CodeDerivation:
    """Derives codes from challenges and peppers. A fixed code replaces those of its phone."""

    peppers: KeyRing
    fixed_codes: FixedCodes
    length: int = DEFAULT_OTP_LENGTH

    def make_challenge(
        self,
        now: datetime,
        random: bytes,
        purpose: Purpose = Purpose.SIGN_IN,
        bound_to: str | None = None,
    ) -> Challenge:
        return Challenge(
            id=random[:CHALLENGE_ID_BYTES].hex(),
            purpose=purpose,
            nonce=random[CHALLENGE_ID_BYTES:],
            key_id=self.peppers.signing().id,
            created_at=now,
            expires_at=now + OTP_TTL,
            bound_to=bound_to,
        )

    def key_ids(self) -> Collection[str]:
        """Return the ids of the keys whose challenges have codes that can be derived."""
        return [pepper.id for pepper in self.peppers.accepted()]

    def has_fixed_code(self, phone: PhoneNumber, now: datetime) -> bool:
        return self.fixed_codes.find_code(phone, now) is not None

    def derive(self, challenge: Challenge, phone: PhoneNumber) -> OtpCode:
        """Derive the code of one challenge.

        Raises:
            Unavailable: the key of the challenge is not available anymore.
        """
        for pepper in self.peppers.accepted():
            if pepper.id == challenge.key_id:
                return OtpCode(challenge.derive_code(pepper.key, phone, self.length))
        raise Unavailable

    def derive_all(
        self, candidates: Sequence[Challenge], phone: PhoneNumber, now: datetime
    ) -> dict[str, str]:
        """Derive the codes of the challenges that an attempt may match, by the challenges' ids.

        The same number of codes is derived for every phone, so that the time reveals nothing.
        """
        keys = {pepper.id: pepper.key for pepper in self.peppers.accepted()}
        codes = {}
        for challenge in candidates:
            key = keys.get(challenge.key_id)
            codes[challenge.id] = challenge.derive_code(key, phone, self.length) if key else ""
        any_key = next(iter(keys.values()))
        for _ in range(MAX_CANDIDATES - len(candidates)):
            codes[_PADDING.id] = _PADDING.derive_code(any_key, phone, self.length)
        fixed_code = self.fixed_codes.find_code(phone, now)
        return codes if fixed_code is None else dict.fromkeys(codes, fixed_code.digits)

    def digest_key(self, phone: PhoneNumber) -> bytes:
        """Derive the key that makes wrong codes of this phone comparable without storing them."""
        message = _DIGEST_LABEL + phone.e164.encode()
        return hmac.new(self.peppers.signing().key, message, "sha256").digest()

    def phone_key(self, phone: PhoneNumber) -> str:
        """Derive what identifies the phone in the names of limits, and does not reveal it."""
        return blake2b(b"phone", key=self.digest_key(phone), digest_size=DIGEST_BYTES).hexdigest()
