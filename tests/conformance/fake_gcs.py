"""fake-gcs-server, Google Cloud Storage as others emulate it, as a recipient, and a guard of ours before it.

In: a folder for a token and its output. Out: a `Recipient`, named as Google itself is (`named_stores`), so that each
run of this one runs what the real one would. Effects: a process (`benchmarks.fake_gcs`) and a listener on free ports of
127.0.0.1, gone when the block ends. The server checks no tokens: the guard lets one bearer through. It says in JSON
what was asked in XML; what is asked in JSON goes to the server as it is.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fake_gcs import JSON_API, XmlInJson, fake_gcs_server, make_bucket, xml_refusal
from benchmarks.wire import PassOn, Request, wire
from data_exports.estate.atomic_files import write_private
from tests.conformance.google_bucket import GoogleBucket
from tests.conformance.named_stores import GOOGLE, google_named
from tests.emulator.other_clouds import BUCKET


@dataclass
class Guard:
    """A `Meddler` before the server: lets who has the token in, and translates."""

    token: str = field(repr=False)
    translate: XmlInJson = field(default_factory=XmlInJson)

    async def __call__(self, request: Request, pass_on: PassOn) -> bytes:
        """Carry out a request of somebody who may."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return xml_refusal(401, "AuthenticationRequired", "this is not the token")
        return await (pass_on() if request.target.startswith(JSON_API) else self.translate(request, pass_on))


@contextmanager
def fake_gcs(folder: Path) -> Iterator[GoogleBucket]:
    """One that runs for the time of the block. Raises BenchmarkError where it is not installed."""
    token = f"ya29.{secrets.token_urlsafe(30)}"
    with fake_gcs_server(folder) as url, wire(url, Guard(token)) as guarded:
        make_bucket(url, BUCKET)
        write_private(folder / "token", token)
        named = {
            GOOGLE: BUCKET,
            f"{GOOGLE}_URL": guarded.url,
            f"{GOOGLE}_TOKEN_FILE": str(folder / "token"),
        }
        found = google_named(named)
        found.check_access()
        yield found
