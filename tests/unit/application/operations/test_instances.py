"""The record of a process that serves."""

from datetime import timedelta

import pytest

from adapters.databases.records.instances import InstanceRecord, check_issuers, check_none_alive
from adapters.databases.records.kinds import INSTANCES
from application.ports.errors import ConfigurationError
from domain.instance import INSTANCE_TTL, RENEWAL_INTERVAL, Instance
from domain.token_issuers import TokenIssuers
from tests.support.builders import NOW
from tests.support.core_harness import CoreHarness


async def stored_instances(app: CoreHarness) -> list[Instance]:
    rows = app.database.records.tables[INSTANCES.name]
    instances = app.database.repositories().instances
    loaded = [await instances.load(record_id) for record_id in rows]
    return [instance.value for instance in loaded if instance]


async def test_a_process_renews_one_record_and_deletes_it_at_the_end() -> None:
    app = CoreHarness()
    started_at = app.clock.now()
    await app.operations.instance.renew()
    app.advance(RENEWAL_INTERVAL.total_seconds())
    await app.operations.instance.renew()

    [instance] = await stored_instances(app)
    assert instance.issuer == TokenIssuers().issuer
    assert (instance.started_at, instance.renewed_at) == (started_at, app.clock.now())
    assert instance.expires_at == app.clock.now() + INSTANCE_TTL

    await app.operations.instance.delete()
    assert await stored_instances(app) == []


async def test_a_killed_process_counts_for_half_a_minute_and_is_then_cleaned_up() -> None:
    app = CoreHarness()
    await app.operations.instance.renew()
    check_none_alive(serving(TokenIssuers()), "a database", NOW + timedelta(seconds=30))

    app.advance(60 + 29)
    assert (await app.operations.cleanup())["expired_instances"] == 0
    app.advance(1)
    assert (await app.operations.cleanup())["expired_instances"] == 1


NEW = TokenIssuers.of("https://a.test", ["dialtone"])
CAREFUL = TokenIssuers.of("dialtone", ["https://a.test"])


def serving(*issuers: TokenIssuers, seconds_left: int = 30) -> list[InstanceRecord]:
    return [
        InstanceRecord(
            id=str(number),
            program_version="",
            started_at=NOW,
            renewed_at=NOW,
            expires_at=NOW + timedelta(seconds=seconds_left),
            issuer=each.issuer,
            accepted_issuers=each.accepted_issuers,
        )
        for number, each in enumerate(issuers)
    ]


def test_only_other_issuers_that_all_accept_need_a_note() -> None:
    assert check_issuers(NEW, serving(NEW, NEW), NOW) == ""
    assert check_issuers(NEW, serving(TokenIssuers(), seconds_left=0), NOW) == ""
    note = check_issuers(NEW, serving(CAREFUL, NEW, CAREFUL), NOW)
    assert note.endswith("these settings, with https://a.test: 2 with dialtone")


@pytest.mark.parametrize(
    ("own", "others", "text"),
    [
        # One of a version without the setting.
        (NEW, [TokenIssuers()], "of https://a.test are rejected by instances with dialtone."),
        (TokenIssuers(), [NEW], "of https://a.test are rejected by these settings."),
        (CAREFUL, [NEW, TokenIssuers()], "https://a.test are rejected by instances with dialtone."),
    ],
)
def test_an_issuer_that_some_reject_is_an_error(
    own: TokenIssuers, others: list[TokenIssuers], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        check_issuers(own, serving(*others), NOW)
