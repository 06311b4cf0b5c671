"""`exports register --live` on the deployed example: what really was delivered, and older days from what is kept."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_exports.contract.keys import receipts_key_of
from data_exports.contract.receipts import Outcome, Receipt, iso_time, receipts_file
from data_exports.local.clients import client
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import Person, owner_of
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

NAME = "court_hearings"
STARTED = datetime.now(UTC).date()
BEFORE = datetime.now(UTC).replace(hour=12) - timedelta(days=5)


@pytest.fixture
def owner(operated_example: DeployedEstate) -> Iterator[Person]:
    """The owner, once a file was delivered, and 5 days ago two others, of which one receipt is damaged."""
    stage, platform = operated_example.stage, operated_example.estate.platform
    push = stage.push(NAME)
    key = f"{push.prefix}register/one.csv"
    stage.as_user(push.users[0]).put_object(Bucket=platform.hub_bucket, Key=key, Body=b"12345")
    wait_until(lambda: any(each.key == key and each.outcome == "delivered" for each in stage.receipts(push)))
    old = Receipt(
        *(
            f"{push.prefix}old.csv",
            "v",
            "e",
            2_500_000,
            None,
            iso_time(BEFORE - timedelta(seconds=90)),
            Outcome.DELIVERED,
        ),
        delivered_at=iso_time(BEFORE),
    )
    failed = Receipt(f"{push.prefix}new.csv", "v", "e", 1, None, None, Outcome.FAILED, cause="recipient_denied")
    facts = {"dataset": NAME, "destination": push.destination.uri, "mover_version": "1", "now": BEFORE}
    good = receipts_file([old, failed], **facts, identifier="good")  # type: ignore[arg-type]
    files = [good, (receipts_key_of(NAME, BEFORE, "bad"), b"no gzip")]
    s3 = client(operated_example.local, "s3", account=operated_example.estate.platform.account)
    for name, body in files:
        s3.put_object(Bucket=platform.log_bucket, Key=name, Body=body)
    yield owner_of(operated_example)
    for name, _ in files:
        s3.delete_object(Bucket=platform.log_bucket, Key=name)


def test_deliveries_are_told_day_by_day_and_older_days_from_what_is_kept(
    owner: Person, operated_example: DeployedEstate, tmp_path: Path
) -> None:
    out, cache = tmp_path / "site", tmp_path / "cache"
    words = ["register", "--live", "--out", str(out), "--json"]
    done = owner.run(*words, XDG_CACHE_HOME=str(cache))
    assert done.code == 4
    (gap,) = (each for each in json.loads(done.out)["not_read"] if NAME in each)
    assert re.fullmatch(rf"1 receipt of {NAME} since \d{{4}}-\d\d-\d\d: damaged", gap)
    page = (out / "datasets" / f"{NAME}.html").read_text()
    day = rf'<th scope="row" class="day">{BEFORE.date()}</th>'
    row = rf"{day}<td>1</td><td>2\.5 MB</td><td>\s*half within 1 min, the slowest 1 min"
    failure = r'\s*</td><td>1 file<span class="item">recipient_denied: 1</span><span class="item">damaged receipts: 1'
    assert re.search(row + failure, page)
    days = {str(STARTED), str(datetime.now(UTC).date())}  # midnight may come while this runs
    assert (
        sum(
            int(found[2])
            for found in re.finditer(r'<th scope="row" class="day">(\S+)</th><td>(\d+)</td>', page)
            if found[1] in days
        )
        >= 1
    )
    assert page.count("<rect") >= 4

    s3, log_bucket = (
        client(operated_example.local, "s3", account=operated_example.estate.platform.account),
        operated_example.estate.platform.log_bucket,
    )
    gone = receipts_key_of(NAME, BEFORE, "good")
    body = s3.get_object(Bucket=log_bucket, Key=gone)["Body"].read()
    s3.delete_object(Bucket=log_bucket, Key=gone)
    try:
        assert owner.run(*words, XDG_CACHE_HOME=str(cache)).code == 4
        assert re.search(row, (out / "datasets" / f"{NAME}.html").read_text())
        assert owner.run(*words, XDG_CACHE_HOME=str(tmp_path / "another")).code == 4
        assert not re.search(row, (out / "datasets" / f"{NAME}.html").read_text())
    finally:
        s3.put_object(Bucket=log_bucket, Key=gone, Body=body)
