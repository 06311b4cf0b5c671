"""The rules hold at a recipient that does not copy by itself, and whose door a token opens for long.

What the mover writes there may be carried out at any later time: no signature is over after 15 minutes. So every write
is on condition (`places.azure`): it is refused if anything was written since it was sent. As in `test_delivery_model`
every interleaving is explored, with crashes between reading and writing. Contents with the letter L are in parts, which
vanish with the next write; nothing is begun there, and nothing aborted.
"""

import os
from dataclasses import replace

import pytest

from data_exports.contract.timing import VISIBILITY_TIMEOUT_SECONDS, visibility_timeout_seconds
from data_exports.mover.rules.delivery import deliver
from tests.model.explorer import Search
from tests.model.worlds import Bounds

CALM = Bounds(duplicates=0, crashes=0, writes_itself=True)
LATE = replace(CALM, lates=1)
SEARCHES = [
    ("A", Bounds(lates=1, writes_itself=True)),
    ("A", replace(LATE, crashes=1, sweeps=True, losses=1)),
    *((contents, LATE) for contents in ("AA", "AB", "L")),
    *((contents, replace(LATE, crashes=1)) for contents in ("AB", "L")),
]
MORE = [
    ("AA", replace(LATE, crashes=1)),
    *((contents, replace(LATE, duplicates=1)) for contents in ("AA", "AB")),
    *((contents, LATE) for contents in ("ABA", "AAB")),
    ("AB", replace(CALM, lates=2)),
]
ALL = os.environ.get("EXPLORE_ALL") == "1"
STALE = "the recipient does not hold the newest content"


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize(("contents", "bounds"), SEARCHES + (MORE if ALL else []), ids=str)
def test_the_newest_upload_is_delivered_however_late_an_old_write_comes(
    contents: str, bounds: Bounds, keep_files: bool
) -> None:
    assert Search(contents, deliver, bounds, keep_files=keep_files).run(stop_at=1).violations == []


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
def test_without_the_condition_a_late_write_leaves_old_content_for_good(keep_files: bool) -> None:
    without = replace(LATE, on_condition=False)
    violations = Search("AB", deliver, without, keep_files=keep_files).run(until=STALE).violations
    assert any(violation.startswith(STALE) for violation in violations)


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
def test_where_only_the_token_bounds_it_the_queue_waits_longer(keep_files: bool) -> None:
    """Google's: what is late is over before the message of a dead function comes back, if the queue waits for it."""
    late = Bounds(duplicates=0, crashes=1, lates=1, late_starts=1, under_way_seconds=3660)
    for seconds, is_stale in ((VISIBILITY_TIMEOUT_SECONDS, True), (visibility_timeout_seconds(3660), False)):
        search = Search("AB", deliver, replace(late, visibility_seconds=seconds), keep_files=keep_files)
        violations = search.run(until=STALE).violations
        assert (seconds, any(violation.startswith(STALE) for violation in violations)) == (seconds, is_stale)


def test_the_search_is_as_large_as_it_is_meant_to_be() -> None:
    sizes = {contents: Search(contents, deliver, LATE).run().worlds for contents in ("A", "AB", "L")}
    assert sizes == {"A": 49, "AB": 3882, "L": 77}
