"""The keeper's code, which stands in its template: compared with the zip that Lambda says the function has."""

import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DifferenceKind, ServiceCall
from data_exports.deploy.drift.inline_code import check_inline_code
from data_exports.errors import ExportsError
from data_exports.stacks.foundation import foundation_stack
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM

FOUNDATION = foundation_stack(PLATFORM, require_tls=True)
STACK_ID = "arn:aws:cloudformation:eu-west-1:593291632749:stack/exports-foundation/1"
TEMPLATE = DeployedTemplate(DeployedStack(FOUNDATION.name, STACK_ID, "", FOUNDATION.tags), json.loads(FOUNDATION.body))
CODE = str(TEMPLATE.body["Resources"]["Keeper"]["Properties"]["Code"]["ZipFile"])


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return packed.getvalue()


def damaged(method: int) -> bytes:
    """A zip of the right code, packed in this way, in which some bytes are others."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("index.py", CODE)
    body = packed.getvalue()
    return body[:60] + b"\xff" * 60 + body[120:]


def marked(*, flags: int = 0, method: int = 0) -> bytes:
    """A zip whose directory and header say that its file is encrypted, or packed in a way that nobody knows."""
    body = bytearray(zipped(index=CODE))
    for start, offset in ((body.index(b"PK\x03\x04"), 6), (body.index(b"PK\x01\x02"), 8)):
        body[start + offset] |= flags
        body[start + offset + 2] |= method
    return bytes(body)


class Bodies(http.server.BaseHTTPRequestHandler):
    """What lies at each path; 403 for everything else."""

    bodies: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        body = self.bodies.get(self.path)
        self.send_response(200 if body is not None else 403)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def place() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bodies)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()
    Bodies.bodies.clear()


def found(place: str, body: bytes | None) -> list[Any]:
    if body is not None:
        Bodies.bodies["/code?signed"] = body
    return list(
        check_inline_code(AwsAnswers({"get_function": {"Code": {"Location": f"{place}/code?signed"}}}), TEMPLATE)
    )


def test_the_code_that_was_deployed_is_no_difference_however_it_is_packed(place: str) -> None:
    assert found(place, zipped(index=CODE)) == []
    assert found(place, zipped(cfnresponse="...", index=CODE)) == []


@pytest.mark.parametrize(
    "body", [zipped(index=f"{CODE}#"), zipped(index=CODE, json="..."), zipped(other=CODE), b"no zip", b""]
)
def test_any_other_code_is_told_and_put_back_by_a_zip_of_what_stands_in_the_template(place: str, body: bytes) -> None:
    (told,) = found(place, body)
    assert told.kind is DifferenceKind.INLINE_CODE
    assert told.what == "the function exports-keeper: its code is not what stands in the template"
    repair = told.repair
    assert isinstance(repair, ServiceCall)
    assert (repair.service, repair.operation) == ("lambda", "update_function_code")
    taken = repair.taken
    assert taken["FunctionName"] == "exports-keeper"
    assert found(place, taken["ZipFile"]) == []
    assert found(place, body)[0].repair == repair


@pytest.mark.parametrize(
    "body",
    [
        marked(flags=1),
        marked(method=99),
        marked(method=zipfile.ZIP_DEFLATED),
        marked(method=zipfile.ZIP_LZMA),
        marked(method=zipfile.ZIP_BZIP2),
        *map(damaged, (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
        zipped(index=CODE)[:-300],
        zipped(index=CODE)[300:],
    ],
)
def test_a_zip_that_cannot_be_read_is_other_code_and_stops_nothing(place: str, body: bytes) -> None:
    assert [each.kind for each in found(place, body)] == [DifferenceKind.INLINE_CODE]


def test_a_function_that_is_gone_is_told_by_others_and_one_that_may_not_be_looked_at_is_no_difference(
    place: str,
) -> None:
    gone = AwsAnswers({"get_function": refusal("ResourceNotFoundException")})
    assert list(check_inline_code(gone, TEMPLATE)) == []
    with pytest.raises(ClientError):
        list(check_inline_code(AwsAnswers({"get_function": refusal("AccessDenied")}), TEMPLATE))
    with pytest.raises(ExportsError, match=r"127\.0\.0\.1:[0-9]+ answered 403"):
        found(place, None)
