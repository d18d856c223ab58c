"""The settings of the phone line."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from domain.otp.sliding_window import SlidingWindow
from domain.phone import PhoneNumber
from entrypoints.opening.providers import PhoneProvider
from entrypoints.settings import parsers
from entrypoints.settings.declaration import limit, optional
from entrypoints.settings.otp import OtpSettings

if TYPE_CHECKING:
    from application.voice.feature import VoicePolicy
    from domain.voice.flow import CallFlow

_optional = partial(optional, needs_phone_line=True)
_other_limit = partial(limit, needs_phone_line=True)
_limit = partial(_other_limit, parsers.rate_limit(50_000))


@dataclass(frozen=True, kw_only=True)
class VoiceSettings(OtpSettings):
    """What callers hear, and how many calls are answered."""

    call_flow: Path | None = _optional(parsers.parse_path, example="/etc/dialtone/phone_line.toml")
    """TOML file that says what callers of the phone line hear, see docs/call_flow.md."""
    operator: PhoneNumber | None = _optional(parsers.parse_operator, example="+14155552671")
    """Number that callers of the phone line are connected to; by default nobody answers them."""
    inbound_limit_per_caller: SlidingWindow = _limit("10/1h")
    """Calls of one number that the phone line answers in an hour; further ones hear a busy tone."""
    inbound_limit_total: SlidingWindow = _limit("200/1h", "1000/1h", "10000/1h")
    """Calls that the phone line answers in an hour; further ones hear a busy tone."""
    operator_limit_per_caller: SlidingWindow = _limit("3/1h")
    """Calls of one number that are connected to DIALTONE_OPERATOR in an hour."""
    operator_limit_total: SlidingWindow = _limit("30/1h", "100/1h", "1000/1h")
    """Calls of all numbers that are connected to DIALTONE_OPERATOR in an hour."""
    operator_lines: int = _other_limit(parsers.number(1, 10_000), "3", "10", "100")
    """Callers who can talk to DIALTONE_OPERATOR at the same time; others hear that it is busy."""

    @property
    def caller_id(self) -> str:
        """The number that calls come from, empty if only the provider knows it."""
        return self.voice.caller_id(self) if isinstance(self.voice, PhoneProvider) else ""

    def voice_policy(self, call_flow: "CallFlow") -> "VoicePolicy":
        """Return what these settings decide, with the flow of `DIALTONE_CALL_FLOW`."""
        # Imported only here: without a phone line, nothing of it is loaded.
        from application.voice.feature import VoicePolicy
        from domain.voice.call_limits import CallLimits

        return VoicePolicy(
            call_flow=call_flow,
            call_limits=CallLimits(
                per_caller=self.inbound_limit_per_caller,
                total=self.inbound_limit_total,
                operator_per_caller=self.operator_limit_per_caller,
                operator_total=self.operator_limit_total,
                operator_lines=self.operator_lines,
            ),
            operator=self.operator,
            caller_id=self.caller_id,
        )
