"""What the notary's explorer takes for S3 answers as S3 does: one scenario, played in memory and on the local AWS."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from data_exports.local.emulator import LocalAws
from data_exports.notary.notary import NotaryPlaces
from data_exports.notary.places import AwsNotaryPlaces
from tests.emulator.deploying import aws_of_account
from tests.emulator.steps import Steps
from tests.evidence_places import NOW, Kept, MemoryPlaces

pytestmark = pytest.mark.emulator

CARD = "deliveries/dataset=orders/card.json"
FILES = ["deliveries/card.json", "deliveries/dataset=lists/b", "deliveries/dataset=orders/a"]


def played(places: NotaryPlaces) -> list[Any]:
    """What each asking came to; ETags are S3's own, and only compared with themselves."""
    said: list[Any] = [places.read("checkpoint"), places.write_if("checkpoint", b"1", '"0"')]
    said += [places.write_if("checkpoint", b"1", None), places.write_if("checkpoint", b"2", None)]
    body, etag = places.read("checkpoint") or (b"", "")
    said += [body, places.write_if("checkpoint", b"2", etag), places.write_if("checkpoint", b"3", etag)]
    places.write("tile/0/000", b"x")
    places.write("tile/0/000", b"x")
    places.write("tile/0/000.p/5", b"")
    said += [(places.read(key) or (None,))[0] for key in ("checkpoint", "tile/0/000", "tile/0/000.p/5", "tile/0")]
    said += [list(places.keys("tile/")), list(places.keys("")), list(places.keys("none/"))]
    listed = list(places.receipt_files())
    said += [[each.key for each in listed], all(isinstance(each.written_at, datetime) for each in listed)]
    said += [[each.key for each in places.receipt_files("deliveries/dataset=lists/")]]
    said += [list(places.read_receipts([FILES[2], "deliveries/gone", FILES[1]]))]
    return said


def test_memory_and_s3_answer_alike(local_aws: LocalAws, unique_account: Callable[[], str]) -> None:
    account = unique_account()
    steps, aws = Steps(local_aws), aws_of_account(local_aws, account)
    log, evidence = steps.bucket(account=account), steps.bucket(account=account, versioned=True)
    memory = MemoryPlaces(receipts={key: Kept(key.encode(), NOW) for key in FILES})
    for key in (*FILES, CARD, "code/mover.zip"):
        aws.client("s3").put_object(Bucket=log, Key=key, Body=key.encode())
    environment = {"LOG_BUCKET": log, "EVIDENCE_BUCKET": evidence, "ACCOUNT": account}
    answers = played(memory)
    assert played(AwsNotaryPlaces(environment, aws.client)) == answers
    assert answers[:7] == [None, False, True, False, b"1", True, False]
