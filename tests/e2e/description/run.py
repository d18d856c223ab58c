"""A run of schemathesis against a running service, and its report."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from hypothesis import settings
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tests.e2e.description.generation import add_hooks, register_formats, use_many_client_ips
from tests.e2e.description.people import People, Person
from tests.support.examples import examples

SPARE_ITEMS: Final = 12
"""Items that the run may delete; those it creates itself depend on chance."""
NEW_PHONES: Final = 5
"""Phones that no other operation sends codes to."""
_MAX_BODY_LENGTH: Final = 500
_MAX_SHOWN_FINDINGS: Final = 10

# The statuses that `positive_data_acceptance` accepts by default.
_ACCEPTED: Final = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a run, and what it covered.

    - `statuses`: the statuses of each operation, by its label.
    """

    seed: int
    findings: dict[str, str] = field(default_factory=dict)
    phases: dict[str, Status] = field(default_factory=dict)
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def __str__(self) -> str:
        shown = list(self.findings.values())[:_MAX_SHOWN_FINDINGS]
        summary = f"{len(self.findings)} findings; repeat with --hypothesis-seed={self.seed}"
        return "\n\n".join([summary, *shown])

    def add(self, event: events.EngineEvent) -> None:
        """Record an event; of each kind of finding, record the first."""
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
            operation = recorder.cases[case_id].value.operation
            if interaction.response and interaction.request.method == operation.method.upper():
                self.statuses[operation.label].add(interaction.response.status_code)
        for kind, finding in _failures(recorder):
            self.findings.setdefault(kind, finding)


def run_schemathesis(people: People, document: dict[str, Any], seed: int) -> Report:
    """Test a service against its description, with all checks and phases."""
    person = people.add_person()
    spare_items = [people.upload(person.account)["id"] for _ in range(SPARE_ITEMS)]
    register_formats(person.account.phone, person.username)
    new_phones = [people.next_phone() for _ in range(NEW_PHONES)]
    config = _configuration(person, spare_items, new_phones, seed)
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.config.update(base_url=people.service.url)
    add_hooks(schema, document, people, person)
    report = Report(seed)
    with use_many_client_ips(people):
        for event in from_schema(schema).execute():
            report.add(event)
    return report


def _configuration(
    person: Person, spare_items: Sequence[str], new_phones: Sequence[str], seed: int
) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            # All findings are reported at once, without shrinking.
            "continue-on-failure": True,
            "suppress-health-check": ["too_slow"],
            "checks": {"enabled": True},
            "generation": {
                "deterministic": settings().derandomize,
                "max-examples": examples(2),
                "database": "none",
            },
            "phases": {
                # One handler rejects all methods that a path does not have, so one is enough.
                "coverage": {"unexpected-methods": ["TRACE"]},
                # Otherwise, values of earlier responses would replace most generated values.
                "fuzzing": {"extra-data-sources": {"responses": False}},
                "stateful": {"generation": {"max-examples": examples(10)}},
            },
            "dictionaries": {
                "own-id": {"values": [person.account.user_id]},
                "own-phone": {"values": [person.account.phone]},
                "own-name": {"values": [person.username]},
                "own-item": {"values": [person.item_id]},
                "spare-item": {"values": list(spare_items)},
                "new-phone": {"values": list(new_phones)},
                # Most generated numbers are after the last page that a number reaches.
                "first-page": {"values": [1]},
                "own-folder": {"values": [person.storage_key[:2]]},
                "own-file": {"values": [person.storage_key[3:]]},
                # Values generated to violate a pattern are rarely close to it.
                "near-code": {"values": ["12345", "1234567", "12345a", "12345\u00b2"]},
            },
            "parameters": {
                "path.user_id": _use_often("own-id"),
                "query.user_id": _use_often("own-id"),
                "query.page": _use_often("first-page"),
                "body.user_id": _use_often("own-id"),
                "path.folder": _use_often("own-folder"),
                "path.name": _use_often("own-file"),
                "body.otp": {"dictionary": "near-code", "probability": 0.2},
            },
            "operations": [
                {
                    "include-operation-id": "create_user",
                    "parameters": {
                        "body.number": _use_often("own-phone"),
                        "body.username": _use_often("own-name"),
                    },
                },
                # The other phones are soon at their limit.
                {
                    "include-operation-id": "delete_library_item",
                    "parameters": {"path.item_id": _use_often("spare-item")},
                },
                {
                    "include-operation-id": ["get_library_item", "update_library_item"],
                    "parameters": {"path.item_id": _use_often("own-item")},
                },
                # Exceptions from checks: none is for all operations, and no check is disabled.
                # A schema cannot say which channels the country of a number has.
                _accept("request_otp", "400"),
                # Nor that `page` and `cursor` exclude each other.
                _accept("list_library_items", "400"),
                # Nor that a number is not the user's.
                _accept("request_phone_change_otp", "400"),
                # The description says in words that two fields are sent together.
                _accept("change_phone", "400"),
                # A schema cannot say that bytes are a complete image of a supported format, nor
                # that the item of an idempotency key has been deleted since.
                _accept("upload_image", "410", "415", "422"),
            ],
        }
    )


def _accept(operation_id: str, *statuses: str) -> dict[str, Any]:
    """Accept these statuses too as responses to valid requests."""
    expected = {"expected-statuses": [*_ACCEPTED, *statuses]}
    return {
        "include-operation-id": operation_id,
        "checks": {"positive_data_acceptance": expected},
    }


def _use_often(dictionary: str) -> dict[str, Any]:
    return {"dictionary": dictionary, "probability": 0.5}


def _failures(recorder: ScenarioRecorder) -> Iterator[tuple[str, str]]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.SUCCESS:
                continue
            kind = f"{recorder.cases[case_id].value.operation.label}: {check.name}"
            lines = [kind]
            if info := check.failure_info:
                lines += [info.failure.title, info.failure.message, info.code_sample]
            interaction = recorder.interactions.get(case_id)
            if interaction and (response := interaction.response):
                # Bytes, not text: it may be an image.
                lines.append(f"{response.status_code} {response.content[:_MAX_BODY_LENGTH]!r}")
            yield kind, "\n".join(lines)
