"""How the function reaches AWS: what its environment asks for is honoured or refused, and never ignored.

In: the environment, and the addresses that the function will ask. Out: problems, in words; a TLS context. Effects:
reads the file of authorities.

The function reaches AWS's usual endpoints of one partition, `aws`, without a proxy. Endpoints may be named one by one
(AWS_ENDPOINT_URL_S3, ..._SQS, ..._SNS, or AWS_ENDPOINT_URL), and AWS_CA_BUNDLE names the authorities to trust.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from urllib.parse import urlsplit

from data_exports.contract.settings import OTHER_PARTITIONS


def s3_host_of(region: str) -> str:
    """Return the host of S3's usual endpoint; that of a bucket is below it."""
    return f"s3.{region}.amazonaws.com"


def sns_url_of(region: str) -> str:
    """Return SNS's usual endpoint."""
    return f"https://sns.{region}.amazonaws.com"


def check_endpoints(environment: Mapping[str, str], *, region: str, urls: Sequence[str]) -> Iterator[str]:
    """Tell what the environment asks for that the function does not do, and what is to be done about it."""
    if region.startswith(OTHER_PARTITIONS):
        yield f"AWS_REGION is {region!r}, a region of another partition than aws, which alone is supported"
    for name, kind in (("AWS_USE_FIPS_ENDPOINT", "FIPS"), ("AWS_USE_DUALSTACK_ENDPOINT", "dual-stack")):
        if environment.get(name, "").strip().lower() == "true":
            named = "name them in AWS_ENDPOINT_URL_S3, ..._SQS and ..._SNS"
            yield f"{name} is true, and the mover chooses no {kind} endpoints by itself: remove it, and {named}"
    bundle = environment.get("AWS_CA_BUNDLE", "")
    if bundle and not os.path.exists(bundle):  # noqa: PTH110 pathlib would be one more import at each start
        yield f"AWS_CA_BUNDLE names {bundle!r}, which is not there"
    if any(name.lower().endswith("_proxy") and value for name, value in environment.items()):
        yield from _check_proxies(environment, urls)


def _check_proxies(environment: Mapping[str, str], urls: Sequence[str]) -> Iterator[str]:
    # Imported here: it is much to import, and hardly ever needed.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed does not know it

    proxies = {name.lower().removesuffix("_proxy"): value for name, value in environment.items() if value}
    for url in dict.fromkeys(urls):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host == "localhost" or host.startswith("127.") or proxy_bypass_environment(host, proxies):
            continue
        names = [name for name in (f"{parts.scheme}_proxy", "all_proxy") if proxies.get(name.removesuffix("_proxy"))]
        if names:
            yield f"{names[0].upper()} is set, and the mover uses no proxy: remove it, or add {host} to NO_PROXY"


@cache
def default_tls_context() -> ssl.SSLContext:
    """Return what connections are made with: TLS 1.2 or newer, certificates checked."""
    bundle = os.environ.get("AWS_CA_BUNDLE", "")
    context = ssl.create_default_context(
        cafile=bundle if bundle and not os.path.isdir(bundle) else None,  # noqa: PTH112
        capath=bundle if bundle and os.path.isdir(bundle) else None,  # noqa: PTH112
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
