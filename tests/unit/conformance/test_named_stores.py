"""Stores of other clouds that the environment names for `make conformance`: what is refused before anything is started,
who gets the token, and that nothing of a scenario stays there.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest

from data_exports.estate.atomic_files import write_private
from data_exports.local.clouds.exchange import CloudAnswer, CloudRequest, start_cloud_listener
from data_exports.local.clouds.faults import Faults
from tests.conformance.__main__ import main
from tests.conformance.azure_container import AzureContainer
from tests.conformance.given_token import GivenToken, TokenGiver, wire_answer
from tests.conformance.google_bucket import GoogleBucket
from tests.conformance.named_stores import named_stores
from tests.conformance.outside_world import LeftBehindError, remove_left

TOKEN = "given-token-that-nobody-may-read"
WRITES_AZURE = (
    "(umask 077; az account get-access-token --resource https://storage.azure.com/"
    " --query accessToken --output tsv > FILE)"
)
WRITES_GOOGLE = "(umask 077; gcloud auth print-access-token > FILE)"
Serve = Callable[[CloudRequest], CloudAnswer]


@dataclass
class Listener:
    """Answers as it is told to, and keeps what it was asked."""

    answer: Serve
    asked: list[CloudRequest] = field(default_factory=list)
    name = "a store"

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        return CloudAnswer(status, headers, (f"{code} {words}".encode(),))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        self.asked.append(request)
        return self.answer(request)

    def url(self) -> str:
        return f"http://127.0.0.1:{start_cloud_listener(self, Faults())}"


def token_in(folder: Path, text: str = TOKEN) -> Path:
    file = folder / "token"
    write_private(file, text)
    return file


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `make conformance SERVERS=named` with these settings; gives its exit code and what it said on stderr."""

    def run(settings: Mapping[str, str], *names: str) -> tuple[int, str]:
        for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        code = main(names or ["named"])
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return code, said.err

    return run


HALVES = {
    "a container without a token": (
        {"CONFORMANCE_AZURE": "hjtests/incoming"},
        (
            "CONFORMANCE_AZURE: is set, and CONFORMANCE_AZURE_TOKEN_FILE is not\n"
            "  next: set CONFORMANCE_AZURE_TOKEN_FILE, too, or unset CONFORMANCE_AZURE\n"
        ),
    ),
    "a token without a container": (
        {"CONFORMANCE_AZURE_TOKEN_FILE": "token"},
        (
            "CONFORMANCE_AZURE_TOKEN_FILE: is set, and CONFORMANCE_AZURE is not\n"
            "  next: set CONFORMANCE_AZURE, too, or unset CONFORMANCE_AZURE_TOKEN_FILE\n"
        ),
    ),
    "an address without a bucket": (
        {"CONFORMANCE_GOOGLE_URL": "https://storage.example.org"},
        (
            "CONFORMANCE_GOOGLE_URL: is set, and CONFORMANCE_GOOGLE is not\n"
            "  next: set CONFORMANCE_GOOGLE, too, or unset CONFORMANCE_GOOGLE_URL\n"
        ),
    ),
    "a bucket without a token": (
        {"CONFORMANCE_GOOGLE": "hj-incoming", "CONFORMANCE_GOOGLE_URL": "https://storage.example.org"},
        (
            "CONFORMANCE_GOOGLE: is set, and CONFORMANCE_GOOGLE_TOKEN_FILE is not\n"
            "  next: set CONFORMANCE_GOOGLE_TOKEN_FILE, too, or unset CONFORMANCE_GOOGLE\n"
        ),
    ),
    "an account of S3 without an S3": (
        {"CONFORMANCE_ACCOUNT": "593291632749"},
        (
            "CONFORMANCE_ACCOUNT: is set, and CONFORMANCE_S3 is not\n"
            "  next: set CONFORMANCE_S3, too, or unset CONFORMANCE_ACCOUNT\n"
        ),
    ),
    "no container": (
        {"CONFORMANCE_AZURE": "hjtests", "CONFORMANCE_AZURE_TOKEN_FILE": "token"},
        "CONFORMANCE_AZURE: 'hjtests' is no ACCOUNT/CONTAINER\n",
    ),
    "no bucket": (
        {"CONFORMANCE_GOOGLE": "gs://hj-incoming", "CONFORMANCE_GOOGLE_TOKEN_FILE": "token"},
        "CONFORMANCE_GOOGLE: 'gs://hj-incoming' is no name of a bucket\n",
    ),
    "a token in clear": (
        {
            "CONFORMANCE_GOOGLE": "hj-incoming",
            "CONFORMANCE_GOOGLE_TOKEN_FILE": "token",
            "CONFORMANCE_GOOGLE_URL": "http://storage.example.org",
        },
        "CONFORMANCE_GOOGLE_URL: must be https://, or http:// on this machine, without a query\n",
    ),
    "no S3": ({"CONFORMANCE_S3": "yes"}, "CONFORMANCE_S3: 'yes' is neither aws nor the URL of an endpoint\n"),
    "one region": (
        {"CONFORMANCE_S3": "aws", "CONFORMANCE_REGIONS": "eu-west-1"},
        "CONFORMANCE_REGIONS: must be two regions with a comma between\n",
    ),
    "nothing": ({}, "named: the environment names none\n"),
}


@pytest.mark.parametrize(("settings", "said"), HALVES.values(), ids=HALVES)
def test_what_is_named_by_half_is_refused_before_anything_is_started(
    settings: Mapping[str, str], said: str, command: Callable[..., tuple[int, str]]
) -> None:
    code, told = command(settings)
    assert (code, told.partition("  next: set CONFORMANCE_S3, CONF")[0]) == (2, said)


def test_a_server_that_nobody_knows_is_refused(command: Callable[..., tuple[int, str]]) -> None:
    code, told = command({}, "azurite", "fake-gsc")
    there = "memory, local, moto, seaweedfs, localstack, azure, google, azurite, fake-gcs, named"
    assert (code, told) == (2, f"fake-gsc: no such server\n  next: there are {there}\n")


def test_a_capability_that_nobody_knows_is_refused(command: Callable[..., tuple[int, str]]) -> None:
    code, told = command({"CONFORMANCE_S3": "aws", "CONFORMANCE_LEFT_OUT": "INITIATORS, TELEPATHY"})
    assert (code, told.partition(" BUCKET_POLICIES, ")[0]) == (2, "CONFORMANCE_LEFT_OUT: TELEPATHY: not among")


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0, "{file} is no file\n  next: write it: {command}\n"),
        ("", 0o600, "{file} holds nothing\n  next: write it: {command}\n"),
        (f'{{"accessToken": "{TOKEN}"}}', 0o600, "{file} holds no token\n  next: write it: {command}\n"),
        (
            TOKEN,
            0o640,
            "{file} is open to others than you (mode 0640)\n  next: remove it, and write another token: {command}\n",
        ),
    ],
    ids=["not there", "empty", "another text", "open to others"],
)
def test_a_file_that_is_no_token_of_ones_own_is_refused(
    text: str | None, mode: int, said: str, tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    code, told = command({"CONFORMANCE_AZURE": "hjtests/incoming", "CONFORMANCE_AZURE_TOKEN_FILE": str(file)})
    wanted = f"CONFORMANCE_AZURE_TOKEN_FILE: {said}".format(file=file, command=WRITES_AZURE)
    assert (code, told) == (2, wanted)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            401,
            (
                "its token has expired, or is none for that store: {host} answers 401 (expired: (the token))\n"
                f"  next: write another one: {WRITES_GOOGLE}\n"
            ),
        ),
        (
            403,
            (
                "its token opens nothing there: {host} answers 403 (expired: (the token))\n"
                "  next: give its owner the role Storage Object User (roles/storage.objectUser) on the bucket, and no"
                " firewall between\n"
            ),
        ),
        (
            404,
            (
                "its token opens nothing, for there is no such place: {host} answers 404 (expired: (the token))\n"
                "  next: see whether its name is right\n"
            ),
        ),
        (302, "its token is of no use: {host} answers 302 (expired: (the token))\n  next: see what the store says\n"),
    ],
)
def test_a_token_that_opens_nothing_is_told_once_and_goes_nowhere_else(
    status: int, said: str, tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    elsewhere = Listener(lambda _: CloudAnswer(200, {}, (b"{}",)))
    body = (f"expired: {TOKEN}".encode(),)
    store = Listener(lambda _: CloudAnswer(status, {"Location": f"{elsewhere.url()}/"}, body))
    url = store.url()
    settings = {
        "CONFORMANCE_GOOGLE": "hj-incoming",
        "CONFORMANCE_GOOGLE_URL": url,
        "CONFORMANCE_GOOGLE_TOKEN_FILE": str(token_in(tmp_path)),
    }
    host = url.removeprefix("http://")
    assert command(settings) == (2, f"CONFORMANCE_GOOGLE_TOKEN_FILE: {said}".format(host=host))
    assert [(each.method, each.path, each.headers["authorization"]) for each in store.asked] == [
        ("GET", "/storage/v1/b/hj-incoming/o", f"Bearer {TOKEN}")
    ]
    assert elsewhere.asked == []


def test_a_token_that_azure_takes_for_none_is_told_as_one_that_has_expired(
    tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    told = f"<Error><Code>AuthenticationFailed</Code><Message>Not {TOKEN}\nTime:x</Message></Error>"
    store = Listener(lambda _: CloudAnswer(403, {}, (told.encode(),)))
    url = store.url()
    settings = {
        "CONFORMANCE_AZURE": "hjtests/incoming",
        "CONFORMANCE_AZURE_URL": url,
        "CONFORMANCE_AZURE_TOKEN_FILE": str(token_in(tmp_path)),
    }
    assert command(settings) == (
        2,
        (
            "CONFORMANCE_AZURE_TOKEN_FILE: its token has expired, or is none for that store:"
            f" {url.removeprefix('http://')} answers 403 (AuthenticationFailed: Not (the token) Time:x)\n"
            f"  next: write another one: {WRITES_AZURE}\n"
        ),
    )
    assert [(each.path, each.query) for each in store.asked] == [
        ("/incoming", {"restype": "container", "comp": "list", "maxresults": "1"})
    ]


def test_a_store_that_does_not_answer_is_told(tmp_path: Path, command: Callable[..., tuple[int, str]]) -> None:
    settings = {
        "CONFORMANCE_AZURE": "hjtests/incoming",
        "CONFORMANCE_AZURE_URL": "http://127.0.0.1:1/hjtests",
        "CONFORMANCE_AZURE_TOKEN_FILE": str(token_in(tmp_path)),
    }
    code, told = command(settings)
    started = "CONFORMANCE_AZURE_TOKEN_FILE: no answer from 127.0.0.1:1: "
    assert (code, told.startswith(started), told.endswith("\n  next: see whether it is there\n")) == (2, True, True)


def test_stores_are_found_at_their_vendors_unless_another_address_is_given(tmp_path: Path) -> None:
    file = str(token_in(tmp_path))
    told = {
        "CONFORMANCE_AZURE": "hjtests/incoming",
        "CONFORMANCE_AZURE_TOKEN_FILE": file,
        "CONFORMANCE_GOOGLE": "hj-incoming",
        "CONFORMANCE_GOOGLE_TOKEN_FILE": file,
    }
    others = {"CONFORMANCE_AZURE_URL": "https://a.example.org/", "CONFORMANCE_GOOGLE_URL": "https://g.example.org"}
    assert {name: store.url for name, store in named_stores(told).items()} == {
        "azure hjtests/incoming": "https://hjtests.blob.core.windows.net",
        "google hj-incoming": "https://storage.googleapis.com",
    }
    assert [store.url for store in named_stores(told | others).values()] == [
        "https://a.example.org",
        "https://g.example.org",
    ]


def test_the_token_is_given_to_whom_is_let_in_and_to_nobody_else(tmp_path: Path) -> None:
    def exchanged(request: CloudRequest) -> CloudAnswer:
        if request.body == b"right":
            return CloudAnswer(200, {}, (b'{"access_token": "its own", "expires_in": 3599}',))
        return CloudAnswer(401, {}, (b'{"error": "invalid_client"}',))

    behind = Listener(exchanged)
    giver = TokenGiver(GivenToken(token_in(tmp_path), "A_FILE", "write-it"))
    url = f"{giver.url_before(behind.url())}/tenant/oauth2/v2.0/token"
    answers = [wire_answer("POST", url, body, {}) for body in (b"right", b"wrong")]
    assert [(each.status, json.loads(each.body)) for each in answers] == [
        (200, {"access_token": TOKEN, "expires_in": 3599}),
        (401, {"error": "invalid_client"}),
    ]
    assert [each.path for each in behind.asked] == ["/tenant/oauth2/v2.0/token"] * 2


def test_blobs_and_blocks_that_no_list_names_are_gone_afterwards(tmp_path: Path) -> None:
    blobs, blocks = {"f/orders/a.csv"}, {"f/orders/a.csv", "f/orders/b.csv"}

    def served(request: CloudRequest) -> CloudAnswer:
        name = unquote(request.path).removeprefix("/hjtests/incoming").removeprefix("/")
        if request.method == "GET":
            assert (request.query["prefix"], request.query["include"]) == ("f/", "uncommittedblobs")
            found = sorted(blobs | blocks)
            page = found[1:] if request.query.get("marker") else found[:1]
            more = "<NextMarker>2</NextMarker>" if page != found[1:] and len(found) > 1 else "<NextMarker/>"
            names = "".join(f"<Blob><Name>{each}</Name></Blob>" for each in page)
            return CloudAnswer(
                200, {}, (f"<EnumerationResults><Blobs>{names}</Blobs>{more}</EnumerationResults>".encode(),)
            )
        if request.method == "PUT":  # what is written takes the blocks away
            blobs.add(name)
            blocks.discard(name)
            return CloudAnswer(201)
        if name not in blobs:
            return CloudAnswer(404)
        blobs.remove(name)
        return CloudAnswer(202)

    token = GivenToken(token_in(tmp_path), "A_FILE", "write-it")
    store = AzureContainer("hjtests", "incoming", f"{Listener(served).url()}/hjtests", token, folder="f")
    store.clear()
    assert (blobs, blocks) == (set(), set())


def test_objects_and_uploads_that_were_begun_are_gone_afterwards(tmp_path: Path) -> None:
    objects, uploads = {f"f/orders/{name}.csv" for name in "abcde"}, {"u/1": "f/orders/a.csv"}

    def served(request: CloudRequest) -> CloudAnswer:
        if request.method == "DELETE":
            if upload_id := request.query.get("uploadId"):
                assert unquote(request.path) == f"/hj-incoming/{uploads.pop(upload_id)}"
            else:
                objects.remove(unquote(request.path.removeprefix("/storage/v1/b/hj-incoming/o/")))
            return CloudAnswer(204)
        assert request.query["prefix"] == "f/"
        if request.path == "/hj-incoming":
            rows = "".join(f"<Upload><Key>{key}</Key><UploadId>{u}</UploadId></Upload>" for u, key in uploads.items())
            return CloudAnswer(200, {}, (f'<ListResult xmlns="http://doc.s3">{rows}</ListResult>'.encode(),))
        found = sorted(objects)
        page = found[1:] if request.query.get("pageToken") else found[:1]
        more = {"nextPageToken": "2"} if page != found[1:] and len(found) > 1 else {}
        return CloudAnswer(200, {}, (json.dumps({"items": [{"name": name} for name in page], **more}).encode(),))

    token = GivenToken(token_in(tmp_path), "A_FILE", "write-it")
    GoogleBucket("hj-incoming", Listener(served).url(), token, folder="f").clear()
    assert (objects, uploads) == (set(), {})


def test_what_cannot_be_removed_is_named_with_its_place() -> None:
    with pytest.raises(LeftBehindError, match=r"^left at gs://b/f: one, two$"):
        remove_left(lambda: ["one", "two"], lambda _: None, "gs://b/f")


def test_that_nobody_can_say_what_is_left_is_told_with_the_place(tmp_path: Path) -> None:
    store = Listener(lambda _: CloudAnswer(401, {}, (b"no",)))
    token = GivenToken(token_in(tmp_path), "A_FILE", "write-it")
    with pytest.raises(
        LeftBehindError, match=r"^what is left at gs://hj-incoming/f is not known: .* answers 401 \(no\)$"
    ):
        GoogleBucket("hj-incoming", store.url(), token, folder="f").clear()


def test_the_commands_that_are_told_write_a_file_for_one_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "FILE"
    run = WRITES_GOOGLE.replace("gcloud auth print-access-token", "echo token").replace("FILE", str(file))
    assert os.system(run) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
