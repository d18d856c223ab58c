"""A run of schemathesis over the description of a service that runs."""

from typing import Any, Final

import schemathesis
from schemathesis.engine import from_schema

from tests.e2e.description.callers import Callers
from tests.e2e.description.configuration import configuration
from tests.e2e.description.formats import register_formats
from tests.e2e.description.hooks import from_many_addresses, hook_up
from tests.e2e.description.report import Report

SPARE: Final = 12
"""Pictures that may be deleted: what comes of links alone is left to chance."""


def run(callers: Callers, document: dict[str, Any], seed: int) -> Report:
    """Hold a service to its description, by every check and in every phase."""
    person = callers.settle()
    spare = [callers.upload(person) for _ in range(SPARE)]
    register_formats(person.phone, person.username)
    schema = schemathesis.openapi.from_dict(document, config=configuration(person, spare, seed))
    schema.config.update(base_url=callers.service.url)
    hook_up(schema, document, callers, person)
    report = Report(seed)
    with from_many_addresses(callers):
        for event in from_schema(schema).execute():
            report.add(event)
    return report
