"""Those who come and go, change items, and go through pages by cursor."""

from datetime import timedelta
from typing import Final

from domain.errors import Forbidden, Unauthenticated
from tests.stateful.library_desk import UNDISTURBED, Plan
from tests.stateful.library_fate import Ending
from tests.stateful.library_model import Item, Walk
from tests.stateful.library_process import Outcome
from tests.stateful.library_uploads import UploadsDesk
from tests.support.builders import a_phone

CHIEF: Final = 0
"""Who is made an administrator at each sign-in."""
LEAVES_OPEN: Final = {Ending.DIES, Ending.UNANSWERED, Ending.LOST}
"""After these only a look tells what was done."""


class VisitorsDesk(UploadsDesk):
    """All that a rule has done with the service and the model."""

    def sign_in(self, who: int) -> None:
        """Sign in; it takes twelve hours, so that no budget is in the way."""
        self.pass_time(timedelta(hours=12))
        token = self.wait_for(self.process.token(a_phone(who + 1)))
        identity = self.wait_for(self.process.use_cases.authenticate(token)).identity
        assert self.people.setdefault(who, identity.id) == identity.id
        self.tokens[identity.id] = token
        self.model.living.add(identity.id)
        if who == CHIEF:
            self.wait_for(self.process.use_cases.promote_user(identity.id))
            self.chiefs.add(identity.id)

    def leave(self, who: int, plan: Plan = UNDISTURBED) -> None:
        """Delete somebody; done or not, nothing in between is to be seen."""
        leaver = self.people[who]
        outcome = self.attempt_by(
            leaver, lambda cases, principal: cases.delete_user(principal), plan
        )
        is_gone = not self._is_known(leaver)
        assert is_gone or not outcome.is_done
        assert outcome.is_done or outcome.struck
        if is_gone:
            assert outcome.is_done or outcome.ending in LEAVES_OPEN
            del self.people[who]
            for item in self.model.leave(leaver):
                self._is_gone(item)

    def _is_known(self, person: str) -> bool:
        try:
            self.wait_for(self.process.use_cases.authenticate(self.tokens[person]))
        except Unauthenticated:
            return False
        return True

    # Items

    def was_allowed(self, outcome: Outcome, principal: str, item: Item) -> bool:
        """Whether the caller may change the item; who may is refused by fate alone."""
        if principal == item.owner or principal in self.chiefs:
            assert outcome.is_done or outcome.struck
            return True
        assert isinstance(outcome.error, Forbidden) or outcome.struck
        assert not outcome.is_done
        return False

    def label(self, item: Item, category: str | None) -> None:
        """It has another category."""
        self.model.label(item, category)
        self._was_touched(item)

    def remove(self, item: Item) -> None:
        """It is deleted, and its file is served no more, whether that is there still or not."""
        self.model.remove(item)
        self._is_gone(item)

    def _is_gone(self, item: Item) -> None:
        self._was_touched(item)
        assert not self.is_there(item)
        assert self.opened(item) is None

    def _was_touched(self, item: Item) -> None:
        """Whoever goes by cursor may meet it in some other choice now, or not at all."""
        for walk in self.walks:
            walk.throughout.discard(item.id)

    # Pages by cursor

    def walk_on(self, walk: Walk, pages: int) -> None:
        """Read up to so many pages more of somebody who goes by cursor."""
        for _ in range(pages):
            if walk in self.walks:
                self._next_page(walk)

    def _next_page(self, walk: Walk) -> None:
        rest = walk.rest(self.model.listed(walk.chosen))
        shown, walk.cursor = self.wait_for(
            self.process.page(walk.chosen, walk.per_page, cursor=walk.cursor)
        )
        items, size = self.known(shown.page.items), shown.page.request.page_size
        self.is_total(shown.page.total, walk.chosen)
        assert items == rest[: len(items)]
        assert len(items) <= size
        if self.hides_nothing(walk.chosen):
            assert len(items) == min(size, len(rest))
            assert (walk.cursor is None) == (len(rest) <= size)
        walk.seen += items
        assert len({item.id for item in walk.seen}) == len(walk.seen)
        if walk.cursor is None:
            assert len(items) == len(rest)
            assert walk.throughout <= {item.id for item in walk.seen}
            self.walks.remove(walk)
