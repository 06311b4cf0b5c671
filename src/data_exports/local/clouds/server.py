"""The process that is the other clouds: ``python -m data_exports.local.clouds.server --folder … --aws-url …``.

In: a folder, the local AWS whose issuers are asked for their keys, the process whose end is its own, and on stdin the
token of the recipients' own side. Out: the ports, on one line of stdout. Effects: a port of 127.0.0.1 for each service,
files in the folder.
"""

import argparse
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from data_exports.local.clouds.assertions import Assertions
from data_exports.local.clouds.bearers import OWNERS_SIDE, Bearers
from data_exports.local.clouds.blobs import BlobStorage
from data_exports.local.clouds.contents import Contents
from data_exports.local.clouds.declared import Declared, declared_of
from data_exports.local.clouds.entra import EntraTokens
from data_exports.local.clouds.exchange import CloudAnswer, CloudRequest, start_cloud_listener
from data_exports.local.clouds.faults import Faults, InjectedFault
from data_exports.local.clouds.google_tokens import GoogleTokens
from data_exports.local.clouds.objects import ObjectStorage
from data_exports.local.processes import start_watching


class Administration:
    """What owners put in place and find, and faults that are asked for, as JSON.

    ``PUT /declared``  ``PUT /faults``  ``GET /held``
    """

    name = "administration"

    def __init__(
        self, declared: Declared, faults: Faults, bearers: Bearers, blobs: BlobStorage, objects: ObjectStorage
    ) -> None:
        self._declared, self._faults, self._bearers = declared, faults, bearers
        self._blobs, self._objects = blobs, objects

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """In words."""
        return CloudAnswer(status, {"Content-Type": "text/plain", **headers}, (f"{code}: {words}\n".encode(),))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """Put it in place, if the owner asks."""
        bearer = self._bearers.bearer_of(request.headers)
        if bearer is None or bearer.principal != OWNERS_SIDE:
            return self.refusal(403, "Forbidden", "this is the owners' own", {})
        if (request.method, request.path) == ("GET", "/held"):
            objects = self._objects
            found = {"blobs": self._blobs.held(), "objects": objects.held(), "unfinished": objects.unfinished()}
            return CloudAnswer(200, {"Content-Type": "application/json"}, (json.dumps(found).encode(),))
        try:
            told = json.loads(request.body)
            if (request.method, request.path) == ("PUT", "/declared"):
                self._declared.replace(declared_of(told))
            elif (request.method, request.path) == ("PUT", "/faults"):
                self._faults.add(InjectedFault(**told))
            else:
                return self.refusal(404, "NotFound", "there are /declared, /faults and /held", {})
        except (ValueError, TypeError, AttributeError) as error:
            return self.refusal(400, "BadRequest", str(error), {})
        return CloudAnswer(204)


def start_cloud_listeners(folder: Path, aws_url: str, owner_token: str) -> dict[str, int]:
    """Serve all of it from now on; gives the port of each service, by its name."""
    declared, faults, bearers = Declared(), Faults(), Bearers(owner_token)
    assertions, contents = Assertions(aws_url), Contents(folder)
    blobs, objects = BlobStorage(declared, bearers, contents), ObjectStorage(declared, bearers, contents)
    services = (
        Administration(declared, faults, bearers, blobs, objects),
        EntraTokens(declared, assertions, bearers),
        GoogleTokens(declared, assertions, bearers),
        blobs,
        objects,
    )
    return {service.name: start_cloud_listener(service, faults) for service in services}


def run_clouds() -> int:
    """Serve until SIGTERM, or until the owner ends."""
    parser = argparse.ArgumentParser(
        prog="python -m data_exports.local.clouds.server", description="Serve other clouds."
    )
    parser.add_argument("--folder", type=Path, required=True, help="for what is uploaded; made if it is not there")
    parser.add_argument("--aws-url", required=True, help="where the local AWS is")
    parser.add_argument("--owner-pid", type=int, required=True, help="end when this process ends")
    asked = parser.parse_args()
    start_watching(asked.owner_pid)
    ports = start_cloud_listeners(asked.folder, asked.aws_url, sys.stdin.readline().strip())
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(run_clouds())
