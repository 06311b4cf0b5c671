"""`exports canary` on the local AWS: every fact holds, each fault is found, and nothing is left behind."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from benchmarks.wire import Meddler, PassOn, Request, wire
from data_exports.aws import Aws, aws_with_keys
from data_exports.local.clients import aws_of, environment_of, root_of
from data_exports.local.emulator import LocalAws
from data_exports.operate.canary.bench import Bench
from data_exports.operate.canary.facts import FACTS
from data_exports.operate.canary.removal import find_worlds, remove_world
from data_exports.operate.canary.run import FactVerdict, prove
from data_exports.operate.canary.world import World, make_world
from tests.emulator.installed import EXPORTS, Done, interrupt
from tests.emulator.steps import ACCOUNT, REGION, Steps
from tests.envelopes import check_printed
from tests.terminal import run_on_terminal

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("canary")]

BY_NAME = {fact.name: fact for fact in FACTS}
COPIED = b"<CopyObjectResult><ETag>&quot;b026324c6904b2a9cb4b88d6d61c81d1&quot;</ETag></CopyObjectResult>"
COMPLETED = b"<CompleteMultipartUploadResult><ETag>&quot;1-2&quot;</ETag></CompleteMultipartUploadResult>"


def http(status: str, body: bytes = b"", *, etag: str = "") -> bytes:
    named = f"etag: {etag}\r\n" if etag else ""
    return f"HTTP/1.1 {status}\r\n{named}content-length: {len(body)}\r\n\r\n".encode() + body


def instead(operation: str, status: str, answer: bytes) -> Meddler:
    """What answers this in place of answers with a status."""

    async def meddle(request: Request, pass_on: PassOn) -> bytes:
        said = await pass_on()
        meant = request.operation == operation and said.split(b" ", 2)[1] == status.encode()
        return answer if meant else said

    return meddle


def unheard(matches: Callable[[Request], bool], answer: bytes) -> Meddler:
    """What answers a request that never reaches AWS."""

    async def meddle(request: Request, pass_on: PassOn) -> bytes:
        return answer if matches(request) else await pass_on()

    return meddle


def rewritten(part: str, pattern: bytes, by: bytes, *, is_head: bool = False) -> Meddler:
    """What says something else in answers to requests whose target has this part; bodies keep their length."""

    async def meddle(request: Request, pass_on: PassOn) -> bytes:
        head, end, body = (await pass_on()).partition(b"\r\n\r\n")
        if part not in request.target:
            return head + end + body
        if is_head:
            return re.sub(pattern, by, head) + end + body
        return head + end + re.sub(pattern, lambda found: found.expand(by).ljust(len(found[0])), body, flags=re.DOTALL)

    return meddle


@dataclass(frozen=True)
class Fault:
    """An AWS on which a fact does not hold, and where that shows first."""

    meddler: Meddler
    shows: str


FAULTS = {
    "conditional-copy": Fault(
        instead("CopyObject", "412", http("200 OK", COPIED)), "a copy of the first of two uploads by its ETag"
    ),
    "conditional-delete": Fault(instead("DeleteObject", "412", http("204 No Content")), "a delete under another ETag"),
    "delete-many": Fault(
        rewritten("?delete", rb"<Error><Key>(.*?)</Key>.*?</Error>", rb"<Deleted><Key>\1</Key></Deleted>"),
        "one request that names a wrong and a right ETag",
    ),
    "odd-keys": Fault(
        rewritten("versions", rb"<Version>.*</Version>", rb""),
        "a listing of 'odd/\\x01 bell \\x07.csv'",
    ),
    "parts": Fault(
        unheard(lambda request: request.operation == "CompleteMultipartUpload", http("200 OK", COMPLETED)),
        "the SHA-256 of what arrived",
    ),
    "missing-key": Fault(
        instead("HeadObject", "403", http("404 Not Found")),
        "a key that is not there, asked for by a role that may not list",
    ),
    "expected-owner": Fault(
        instead("CopyObject", "403", http("200 OK", COPIED)), "a copy that expects another owner of the hub"
    ),
    "refusals": Fault(
        instead("DeleteObject", "403", http("204 No Content")), "a delete outside what the role is granted"
    ),
    "other-region": Fault(
        instead("CopyObject", "200", http("400 Bad Request", b"<Error><Code>InvalidRequest</Code></Error>")),
        "a copy to a bucket in eu-central-1",
    ),
    "delivery": Fault(
        unheard(lambda request: "end-to-end" in request.target and request.method == "PUT", http("200 OK", etag='"1"')),
        "a file put into the hub, after 1 s",
    ),
    "null-version": Fault(
        rewritten("before-versioning", rb"$", b"\r\nx-amz-copy-source-version-id: made-up", is_head=True),
        "a copy by its ETag",
    ),
    # The last: the world's hub keeps no versions afterwards.
    "suspended-versioning": Fault(
        rewritten("versioning=", rb"<Status>Suspended</Status>", rb"<Status>Enabled</Status>"),
        "whether the hub's versioning is on",
    ),
}


def run(local: LocalAws, *words: str, **changes: str) -> Done:
    done = subprocess.run(
        [EXPORTS, "canary", *words],
        env={**os.environ, **environment_of(local), **changes},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    check_printed(("canary", *words), done.stdout, done.stderr, done.returncode)
    return Done(done.returncode, done.stdout, done.stderr)


def started(local: LocalAws, *, until: str) -> tuple[subprocess.Popen[str], str]:
    """A canary that has come so far, and its identifier."""
    running = subprocess.Popen(
        [EXPORTS, "canary", "--yes"],
        env={**os.environ, **environment_of(local)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr
    identifier = ""
    for line in running.stderr:
        identifier = identifier or line.split()[1].removeprefix("exports-canary-")
        if line.startswith(until):
            return running, identifier
    pytest.fail(f"it never came to {until!r}: {running.wait()}")


@pytest.fixture
def aws(local_aws: LocalAws) -> Aws:
    return aws_of(local_aws)


@pytest.fixture(scope="module")
def world(local_aws: LocalAws) -> Iterator[World]:
    """One world for all faults, each of which leaves it as it is."""
    aws = aws_of(local_aws)
    world = World.new(ACCOUNT, REGION)
    try:
        make_world(world, aws)
        Bench(world, aws, other_region="eu-central-1", wait_seconds=1).await_rights()
        yield world
    finally:
        assert remove_world(world, aws) == ()


def test_every_fact_holds_on_the_local_aws_and_nothing_is_left(local_aws: LocalAws, aws: Aws) -> None:
    done = run(local_aws, "--yes", "--json")
    report = json.loads(done.out)
    bad = [fact for fact in report["facts"] if fact["verdict"] == "failed"]
    assert (done.code, bad, report["left"]) == (0, [], [])
    assert [fact["fact"] for fact in report["facts"]] == [*BY_NAME]
    assert all(fact["evidence"] for fact in report["facts"] if fact["verdict"] == "held")
    not_tried = {fact["fact"]: fact["reason"] for fact in report["facts"] if fact["verdict"] == "not tried"}
    assert not_tried == {"transport": "the local AWS speaks plain HTTP"}
    assert 0 < report["cost"]["usd"] < 0.01
    assert report["canary"] not in find_worlds(aws)


def test_there_is_a_fault_for_every_fact_that_is_tried_here() -> None:
    assert [*FAULTS] == [fact.name for fact in FACTS if fact.name in FAULTS]
    assert BY_NAME.keys() - FAULTS.keys() == {"transport"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(local_aws: LocalAws, world: World, name: str) -> None:
    fault = FAULTS[name]
    root = root_of(local_aws, ACCOUNT)
    with wire(local_aws.endpoint_url, fault.meddler) as way:
        aws = aws_with_keys(
            REGION,
            endpoint_url=way.url,
            access_key_id=root.access_key_id,
            secret_access_key=root.secret_access_key,
        )
        bench = Bench(world, aws, other_region="eu-central-1", wait_seconds=1)
        result = prove(bench, BY_NAME[name], lambda _: None)
    unlike = [seen.tried for seen in result.seen if not seen.is_good]
    assert (result.verdict, unlike[:1]) == (FactVerdict.FAILED, [fault.shows])


@pytest.mark.parametrize("moment", ["making", "trying parts"])
def test_ctrl_c_takes_everything_down(local_aws: LocalAws, aws: Aws, moment: str) -> None:
    running, identifier = started(local_aws, until=moment)
    done = interrupt(running)
    assert done.code == 130
    assert done.err.endswith(f"removing exports-canary-{identifier}\nerror: interrupted\n")
    assert identifier not in find_worlds(aws)


def test_what_a_killed_run_left_is_listed_and_removed_and_what_resists_is_named(local_aws: LocalAws, aws: Aws) -> None:
    running, identifier = started(local_aws, until="trying parts")
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    assert identifier in [each["canary"] for each in json.loads(run(local_aws, "--list", "--json").out)["canaries"]]
    listed = run(local_aws, "--list")
    name, again = f"exports-canary-{identifier}", f"exports canary --remove {identifier} --region {REGION}"
    assert listed.code == 0
    assert f"  remove it: {again}\n" in listed.out
    (line,) = [line for line in listed.lines if line.startswith(identifier)]
    assert line == (
        f"{identifier}: bucket {name}-hub, bucket {name}-recipient, event source mapping {name}, function {name}, "
        f"log group /aws/lambda/{name}, queue {name}, role {name}"
    )

    refused = http("403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
    with wire(
        local_aws.endpoint_url, unheard(lambda r: (r.method, r.target) == ("DELETE", f"/{name}-hub"), refused)
    ) as way:
        partly = run(local_aws, "--remove", identifier, AWS_ENDPOINT_URL=way.url)
    assert (partly.code, partly.out) == (4, "")
    assert f"1 of {name} could not be removed:\n  bucket {name}-hub: access denied: Access Denied\n" in partly.err
    assert f"next: {again}\n" in partly.err

    removed = run(local_aws, "--remove", identifier)
    assert (removed.code, removed.out) == (0, f"removed: {name}\n")
    assert identifier not in find_worlds(aws)


def test_what_bears_a_canarys_name_and_not_its_tag_is_left_alone(local_aws: LocalAws, steps: Steps, aws: Aws) -> None:
    identifier = World.new(ACCOUNT, REGION).identifier
    name = f"exports-canary-{identifier}"
    bucket = steps.bucket(name=f"{name}-hub")
    steps.client("s3").put_object(Bucket=bucket, Key="theirs.csv", Body=b"1")
    url, _ = steps.queue(name)
    done = run(local_aws, "--remove", identifier)
    assert done.code == 4
    assert done.err.count(f"it does not carry the tag exports-canary={identifier}: it may be somebody else's") >= 2
    assert {thing.kind for thing in find_worlds(aws)[identifier]} == {"bucket", "queue"}
    steps.client("s3").delete_object(Bucket=bucket, Key="theirs.csv")
    steps.client("s3").delete_bucket(Bucket=bucket)
    steps.client("sqs").delete_queue(QueueUrl=url)


def test_nothing_is_made_without_consent(local_aws: LocalAws, aws: Aws) -> None:
    before = find_worlds(aws)
    unasked = run(local_aws)
    assert (unasked.code, unasked.out) == (2, "")
    assert "add --yes" in unasked.err
    declined = run_on_terminal(
        [EXPORTS, "canary"],
        env={**os.environ, **environment_of(local_aws)},
        dialogue=[("[y/N] ", "n\n")],
    )
    assert declined.code == 1
    assert "nothing was made" in declined.shown
    assert find_worlds(aws) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--remove", "../x"], "'../x' is no canary's identifier"),
        (["--region", "nowhere"], "is not an AWS region"),
        (["--region", "cn-north-1"], "another AWS partition"),
        (["--other-region", REGION], "which is the region itself"),
        (["--list", "--remove", "0123abcd"], "--list and --remove are two things"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(local_aws: LocalAws, words: list[str], said: str) -> None:
    done = run(local_aws, "--yes", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
