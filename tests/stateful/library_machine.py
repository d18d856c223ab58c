"""Whatever happens to a library, in whatever order and whenever its process dies.

What is allowed where no answer came (the process died, or the last answer was lost and nothing
could be reached afterwards): an upload is in the library as a whole or never will be, a deletion
or a label is done or not, from that moment on. What was refused is not in the library.
"""

import sys
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from application.principal import Principal
from application.use_cases import UseCases
from domain.media.image import MediaKind
from domain.media.item import FILE_DELETION_DELAY, UPLOAD_TIMEOUT
from domain.media.page import MAX_PAGE_SIZE
from tests.stateful.library_choices import (
    CATEGORIES,
    KINDS,
    MOST,
    MOSTLY,
    PER_PAGE,
    SPANS,
    Choosing,
    Meanwhile,
    plans,
)
from tests.stateful.library_desk import EVERYTHING, Plan, is_shown
from tests.stateful.library_fate import Ending
from tests.stateful.library_model import Item, Walk
from tests.stateful.library_visitors import CHIEF, LEAVES_OPEN


class LibraryMachine(Choosing):
    """What may happen, and what always holds."""

    def teardown(self) -> None:
        try:
            if sys.exception() is None:
                self.everything_comes_to_its_end()
        finally:
            self.desk.close()

    # People

    @initialize(category=CATEGORIES)
    def two_sign_in_and_upload(self, category: str | None) -> None:
        for who in (CHIEF, CHIEF + 1):
            self.desk.sign_in(who)
            owner = self.desk.people[who]
            for kind in MediaKind:
                self.desk.upload(self.new_upload(owner, owner, kind, category))

    @precondition(lambda self: len(self.desk.people) <= MOST)
    @rule(data=st.data())
    def somebody_signs_in(self, data: st.DataObject) -> None:
        self.desk.sign_in(
            data.draw(st.sampled_from(sorted({*range(MOST + 1)} - {*self.desk.people})))
        )

    @precondition(lambda self: self.desk.people)
    @rule(data=st.data(), plan=plans(2, 8))
    def somebody_leaves(self, data: st.DataObject, plan: Plan) -> None:
        self.desk.leave(data.draw(st.sampled_from(sorted(self.desk.people))), plan)

    # Uploads

    @precondition(lambda self: self.desk.people)
    @rule(data=st.data(), kind=KINDS, category=CATEGORIES, plan=plans(1, 8))
    def somebody_uploads(
        self, data: st.DataObject, kind: MediaKind, category: str | None, plan: Plan
    ) -> None:
        principal = self.some_caller(data)
        owner = principal if data.draw(MOSTLY) else self.some_owner(data)
        self.desk.upload(self.new_upload(principal, owner, kind, category), plan)

    @precondition(lambda self: self.desk.people)
    @rule(
        data=st.data(),
        kind=KINDS,
        category=CATEGORIES,
        at=st.integers(1, 6),
        meanwhile=st.lists(st.sampled_from(Meanwhile), max_size=3),
    )
    def somebody_uploads_slowly(
        self,
        data: st.DataObject,
        kind: MediaKind,
        category: str | None,
        at: int,
        meanwhile: list[Meanwhile],
    ) -> None:
        principal = self.some_caller(data)
        owner = principal
        if principal in self.desk.chiefs and not data.draw(MOSTLY):
            owner = self.one_of(data, sorted(self.model.living))
        upload = self.new_upload(principal, owner, kind, category)
        self.desk.upload(upload, (at, Ending.HALTS))
        for event in meanwhile:
            self.happens(event, upload)

    @precondition(lambda self: self.desk.flights)
    @rule(data=st.data())
    def a_slow_upload_goes_on(self, data: st.DataObject) -> None:
        self.desk.land(self.one_of(data, self.desk.flights))

    @precondition(lambda self: self.desk.flights)
    @rule()
    def the_process_dies(self) -> None:
        self.desk.crash()

    # Items

    @precondition(lambda self: self.model.items and self.desk.people)
    @rule(data=st.data(), category=CATEGORIES, plan=plans(2, 5))
    def somebody_labels_an_item(
        self, data: st.DataObject, category: str | None, plan: Plan
    ) -> None:
        principal, item = self.some_caller(data), self.some_item(data)

        def run(cases: UseCases, who: Principal) -> Any:
            return cases.categorize_item(who, item.id, category)

        outcome = self.desk.attempt_by(principal, run, plan)
        if not self.desk.was_allowed(outcome, principal, item):
            return
        if outcome.is_done:
            label = outcome.value.item.category
            assert label == category
        elif outcome.ending in LEAVES_OPEN:
            read = self.desk.process.use_cases.get_item(item.id)
            label = self.desk.wait_for(read).item.category
            assert label in (category, item.category)
        else:
            return
        self.desk.label(item, label)

    @precondition(lambda self: self.model.items and self.desk.people)
    @rule(data=st.data(), plan=plans(2, 6))
    def somebody_deletes_an_item(self, data: st.DataObject, plan: Plan) -> None:
        principal, item = self.some_caller(data), self.some_item(data)

        def run(cases: UseCases, who: Principal) -> Any:
            return cases.delete_item(who, item.id)

        outcome = self.desk.attempt_by(principal, run, plan)
        if not self.desk.was_allowed(outcome, principal, item):
            return
        is_open = not outcome.is_done and outcome.ending in LEAVES_OPEN
        if outcome.is_done or (is_open and not self.desk.is_there(item)):
            self.desk.remove(item)

    @precondition(lambda self: self.model.items)
    @rule(data=st.data())
    def somebody_opens_a_picture(self, data: st.DataObject) -> None:
        item, cases = self.some_item(data), self.desk.process.use_cases
        is_shown(item, self.desk.wait_for(cases.get_item(item.id)).item)
        assert self.desk.opened(item) == item.content

    @precondition(lambda self: self.model.gone)
    @rule(data=st.data())
    def somebody_asks_for_what_is_gone(self, data: st.DataObject) -> None:
        item = self.one_of(data, self.model.gone)
        assert not self.desk.is_there(item)
        assert self.desk.opened(item) is None

    # Pages

    @rule(data=st.data(), per_page=PER_PAGE)
    def somebody_reads_page_after_page(self, data: st.DataObject, per_page: int) -> None:
        chosen, size = self.some_choice(data), min(per_page, MAX_PAGE_SIZE)
        expected, seen, number, pages = self.model.listed(chosen), list[Item](), 0, 0
        while number <= pages:
            number += 1
            shown, cursor = self.desk.wait_for(self.desk.process.page(chosen, per_page, number))
            page, pages = shown.page, shown.page.total_pages
            self.desk.is_total(page.total, chosen)
            assert pages == (page.total + size - 1) // size
            assert len(page.items) <= size
            if self.desk.hides_nothing(chosen):
                assert len(page.items) == len(expected[(number - 1) * size : number * size])
            assert (cursor is None) == (number >= pages)
            seen += self.desk.known(page.items)
        assert seen == expected

    @rule(data=st.data(), per_page=PER_PAGE, pages=st.integers(1, 6))
    def somebody_begins_to_go_by_cursor(
        self, data: st.DataObject, per_page: int, pages: int
    ) -> None:
        chosen = self.some_choice(data)
        walk = Walk(chosen, per_page, {item.id for item in self.model.listed(chosen)})
        self.desk.walks.append(walk)
        self.desk.walk_on(walk, pages)

    @precondition(lambda self: self.desk.walks)
    @rule(data=st.data(), pages=st.integers(1, 6))
    def somebody_goes_on_by_cursor(self, data: st.DataObject, pages: int) -> None:
        self.desk.walk_on(self.one_of(data, self.desk.walks), pages)

    # The sweeper, and time

    @rule(span=SPANS, plan=plans(2, 9))
    def somebody_sweeps(self, span: timedelta, plan: Plan) -> None:
        self.desk.pass_time(span)
        self.desk.cleanup(plan)

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.desk.pass_time(span)

    def everything_comes_to_its_end(self) -> None:
        """After enough time and sweeps there is no file without a record, and no other record.

        Whoever goes by cursor gets to the end, and the sweeper does wherever it dies on its way.
        """
        desk, leftovers = self.desk, self.desk.stores.records.media_cleanup
        desk.crash()
        desk.walks.append(Walk(EVERYTHING, 1, {*self.model.items}))
        for walk in [*desk.walks]:
            desk.walk_on(walk, len(self.model.items) + len(self.model.uncounted) + 1)
            assert walk not in desk.walks
        for span in (UPLOAD_TIMEOUT, FILE_DELETION_DELAY):
            desk.pass_time(span)
            for at in range(1, 7):
                desk.cleanup((at, Ending.DIES))
            desk.cleanup()
        assert desk.stores.keys() == {item.key for item in self.model.items.values()}
        ever = desk.clock.now() + timedelta(days=9999)
        assert not desk.wait_for(leftovers.list_expired_uploads(ever, 1))
        assert not desk.wait_for(leftovers.list_deleting(ever, 1))
        for item in self.model.items.values():
            assert desk.opened(item) == item.content

    # What always holds

    @invariant()
    def the_library_is_what_the_model_has(self) -> None:
        page = self.desk.process.page(EVERYTHING, MAX_PAGE_SIZE)
        shown, _ = self.desk.wait_for(page)
        assert self.desk.known(shown.page.items) == self.model.listed(EVERYTHING)
        self.desk.is_total(shown.page.total, EVERYTHING)
