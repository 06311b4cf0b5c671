"""Proof of delivery for large files: the rules for copies in parts, driven through every interleaving within bounds.

As in `test_delivery_model`, and at the end of every world must hold as well: no parts are left at the recipient and no
checkpoint in the log bucket. (Nobody can know of an upload whose maker died before it had put it on record. It is
empty.) Contents with the letters L, M and N are large. The searches take some 10 seconds.
"""

from collections.abc import Callable, Generator

import pytest

from data_exports.mover.calls import Checkpoint, Reply, Request
from data_exports.mover.delivery import Delivery, deliver
from data_exports.mover.large import LargeCopy
from data_exports.mover.uploads import Rules, Upload
from tests.model.explorer import Bounds, Search

CRASH = Bounds(duplicates=0, crashes=1)
OUT_OF_TIME = Bounds(duplicates=0, crashes=0, faults=1)
SEARCHES = [
    ("L", Bounds(duplicates=1, crashes=1)),
    ("L", Bounds(duplicates=1, crashes=1, remembers=True)),
    ("L", Bounds(duplicates=0, crashes=2, faults=1)),
    ("L", Bounds(duplicates=0, crashes=0, faults=2)),
    ("L", Bounds(duplicates=0, crashes=1, cancels=1)),
    ("LM", Bounds(duplicates=0, crashes=0)),
    ("LA", CRASH),
    ("LA", OUT_OF_TIME),
    ("AL", CRASH),
]


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize(("contents", "bounds"), SEARCHES, ids=str)
def test_the_newest_upload_is_delivered_and_nothing_is_left_behind(
    contents: str, bounds: Bounds, keep_files: bool
) -> None:
    assert Search(contents, deliver, bounds, keep_files=keep_files).run(stop_at=1).violations == []


def test_the_search_is_as_large_as_it_is_meant_to_be() -> None:
    sizes = {contents: Search(contents, deliver, CRASH).run().worlds for contents in ("L", "LA")}
    assert sizes == {"L": 113, "LA": 3961}


# Each rule taken away: the search must notice.


def delivery_with(copy: type[LargeCopy]) -> Callable[[Upload, Rules], Delivery]:
    """A delivery whose copies in parts go by other rules."""

    class Changed(Delivery):
        large_copy = copy

    return Changed


class BeginsAnewEachTime(LargeCopy):
    def take_up(self) -> Generator[Request, Reply, Checkpoint | Reply]:
        return (yield from self.begin())


class ForgetsNothing(Delivery):
    def forget_unfinished_copies(self) -> Generator[Request, Reply, None]:
        yield from ()


LEFT = "an upload in parts is left at the recipient"


@pytest.mark.parametrize(
    ("delivery", "contents"),
    [(delivery_with(BeginsAnewEachTime), "L"), (ForgetsNothing, "LA")],
)
def test_no_rule_can_be_spared(delivery: Callable[[Upload, Rules], Delivery], contents: str) -> None:
    search = Search(contents, lambda upload, rules: delivery(upload, rules).steps(), CRASH)
    assert LEFT in {violation.partition(":")[0] for violation in search.run(stop_at=50).violations}
