"""What came of a run."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemathesis.engine import Status, events
from schemathesis.engine.recorder import ScenarioRecorder

_LONGEST_ANSWER: Final = 500
_MOST_TOLD: Final = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and how far the run came: nothing found says little by itself.

    `answers` has the statuses that each operation gave to its own method, by its label; `links`
    the links that were followed, `checks` those that were made.
    """

    seed: int
    findings: dict[str, str] = field(default_factory=dict)
    phases: dict[str, Status] = field(default_factory=dict)
    answers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    links: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        told = list(self.findings.values())[:_MOST_TOLD]
        again = f"{len(self.findings)} kinds of findings; --hypothesis-seed={self.seed} again"
        return "\n\n".join([again, *told])

    def add(self, event: events.EngineEvent) -> None:
        """Keep what an event tells, of each kind of finding the first."""
        match event:
            case events.ScenarioFinished():
                self._add_scenario(event.recorder)
            case events.PhaseFinished() if event.phase.is_enabled:
                self.phases[event.phase.name.value] = event.status
            case events.NonFatalError():
                kind = f"{event.label}: {event.info.title}"
                self.findings.setdefault(kind, f"{kind}\n{event.info.format()}")
            case events.FatalError():
                raise event.exception

    def _add_scenario(self, recorder: ScenarioRecorder) -> None:
        for case_id, interaction in recorder.interactions.items():
            node = recorder.cases[case_id]
            if node.transition:
                self.links.add(node.transition.id)
            operation = node.value.operation
            if interaction.response and interaction.request.method == operation.method.upper():
                self.answers[operation.label].add(interaction.response.status_code)
        for kind, finding in _failures(recorder):
            self.findings.setdefault(kind, finding)
        self.checks.update(check.name for checks in recorder.checks.values() for check in checks)


def _failures(recorder: ScenarioRecorder) -> Iterator[tuple[str, str]]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.SUCCESS:
                continue
            kind = f"{recorder.cases[case_id].value.operation.label}: {check.name}"
            told = [kind]
            if info := check.failure_info:
                told += [info.failure.title, info.failure.message, info.code_sample]
            interaction = recorder.interactions.get(case_id)
            if interaction and (response := interaction.response):
                # Not its text: a picture has none.
                told.append(f"{response.status_code} {response.content[:_LONGEST_ANSWER]!r}")
            yield kind, "\n".join(told)
