"""Proof of delivery for large files: the rules for copies in parts, driven through every interleaving within bounds.

As in `test_delivery_model`, and at the end of every world must hold as well: no parts are left at the recipient and no
checkpoint in the log bucket. (Nobody can know of an upload whose maker died before it had put it on record. It is
empty.) Contents with the letters L, M and N are large.
"""

import os
from dataclasses import replace

import pytest

from data_exports.mover.rules.delivery import deliver
from tests.model.explorer import Search
from tests.model.memory_s3 import SUSPENDED
from tests.model.worlds import Bounds

CALM = Bounds(duplicates=0, crashes=0)
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
    ("AL", CALM),
    ("L", replace(CALM, faults=1)),
    ("LL", CALM),
    ("L", replace(CALM, lates=1, crashes=1)),
    ("LA", replace(CALM, lates=1)),
    ("L", replace(CALM, sweeps=True, losses=1)),
    ("L", replace(CRASH, versioning=SUSPENDED, toggles=1)),
    ("LL", replace(CALM, versioning=SUSPENDED)),
    ("LM", replace(CALM, versioning=SUSPENDED)),
    ("LA", replace(CALM, versioning=SUSPENDED)),
    ("LA", replace(CALM, toggles=1)),
    ("L", replace(CRASH, moved=True)),
    ("LA", replace(CALM, moved=True)),
]
MORE = [
    ("L", replace(CRASH, sweeps=True, losses=1)),
    ("AL", CRASH),
    ("AL", replace(CALM, faults=1, remembers=True)),
    ("ALB", CALM),
    ("LL", replace(CALM, versioning=SUSPENDED, crashes=1)),
    ("LM", replace(CALM, toggles=1)),
    ("LL", replace(CALM, toggles=1)),
    ("LM", replace(CALM, lates=1)),
]
ALL = os.environ.get("EXPLORE_ALL") == "1"


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize(("contents", "bounds"), SEARCHES + (MORE if ALL else []), ids=str)
def test_the_newest_upload_is_delivered_and_nothing_is_left_behind(
    contents: str, bounds: Bounds, keep_files: bool
) -> None:
    assert Search(contents, deliver, bounds, keep_files=keep_files).run(stop_at=1).violations == []


def test_the_search_is_as_large_as_it_is_meant_to_be() -> None:
    sizes = {contents: Search(contents, deliver, CRASH).run().worlds for contents in ("L", "LA")}
    assert sizes == {"L": 119, "LA": 4785}
