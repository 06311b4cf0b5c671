"""The mover's ways to S3, to stores outside AWS and to whoever gives tokens for them, all laid through faults.

In: a local AWS, the other clouds beside it, a seed. Out: `Ways`: what tells a function of them, and what they have
seen. Effects: a proxy on 127.0.0.1 for each, for the time of the block.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from benchmarks.wire import Cut, Meddler, PassOn, Request, no_cut, wire
from data_exports.local.cloud_addresses import variables_of
from data_exports.local.clouds.running import LocalClouds
from data_exports.local.emulator import LocalAws
from tests.soak.confirmed import Confirmations
from tests.soak.faults import OF_BEARER_STORES, Fault, Faults, Outage

_PLACE_PARTS = {"blobs": 2, "objects": 1}  # of a path before the key: account and container, or a bucket


@dataclass(frozen=True)
class Ways:
    """Ways that are open. `variables`: by which a function goes there."""

    faults: tuple[Faults, ...]
    outage: Outage
    confirmations: Confirmations
    variables: dict[str, str]

    def calm(self) -> None:
        """Let everything pass from now on."""
        for each in self.faults:
            each.calm = True
        self.outage.is_on = False

    @property
    def met(self) -> Counter[Fault]:
        """How many requests met which fault so far."""
        return sum((each.met for each in self.faults), self.outage.met)


@contextmanager
def ways_past_faults(
    local: LocalAws, clouds: LocalClouds, *, hub: str, is_outside: Callable[[str], bool], seed: int, share: float
) -> Iterator[Ways]:
    """Open them."""
    s3, outage, seen = Faults(seed, share), Outage(), Confirmations(hub, is_outside)
    stores = {service: Faults(seed, share, OF_BEARER_STORES) for service in _PLACE_PARTS}

    async def to_s3(request: Request, pass_on: PassOn) -> bytes:
        seen.note_retires(request)
        return await s3(request, pass_on)

    def to_store(service: str) -> Meddler:
        async def meddle(request: Request, pass_on: PassOn) -> bytes:
            answer = await stores[service](request, pass_on)
            key = unquote(urlsplit(request.target).path).lstrip("/").split("/", _PLACE_PARTS[service])[-1]
            seen.note_write(request, answer, key=key)
            return answer

        return meddle

    with ExitStack() as stack:

        def port_of(upstream_url: str, meddler: Meddler, cut: Cut = no_cut) -> int:
            return urlsplit(stack.enter_context(wire(upstream_url, meddler, cut)).url).port or 0

        ports = {service: port_of(clouds.url(service), to_store(service), stores[service].cut) for service in stores}
        ports |= {service: port_of(clouds.url(service), outage) for service in ("entra", "google_tokens")}
        aws = {"S3": port_of(local.endpoint_url, to_s3, s3.cut), "STS": port_of(local.endpoint_url, outage)}
        of_aws = {f"AWS_ENDPOINT_URL_{service}": f"http://127.0.0.1:{port}" for service, port in aws.items()}
        yield Ways((s3, *stores.values()), outage, seen, variables_of(ports) | of_aws)
