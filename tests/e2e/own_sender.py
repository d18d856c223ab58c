"""A sender of the operator's own, which does what a test says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ports.messenger import Outcome
from tests.e2e.breakable_service import OWN_SENDER

FACTORY: Final = "own_sender:open_sender"
REASON: Final = "The line is down."


@dataclass(frozen=True, slots=True)
class OwnSender:
    """The code in the service's folder, and what it was told and did there."""

    folder: Path

    def install(self) -> "OwnSender":
        """Put it where the service finds it; it accepts whatever it is given."""
        (self.folder / "own_sender.py").write_text(OWN_SENDER)
        (self.folder / "texts").touch()
        self.answer(Outcome.ACCEPTED)
        return self

    def answer(self, outcome: Outcome) -> None:
        """Answer so from now on."""
        (self.folder / "outcome").write_text(outcome)

    def inbox(self, phone: str) -> list[str]:
        """The texts that this phone got."""
        lines = (self.folder / "texts").read_text().splitlines()
        to = f"{phone} "
        return [line.removeprefix(to) for line in lines if line.startswith(to)]
