"""What is on this machine: where no proxy leads and no certificate is asked for. In: a URL. Effects: none."""

import ipaddress
import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")


def is_this_machine(host: str) -> bool:
    """Whether a request's `Host` names this machine, with whatever port.

    A page that a browser was made to show under another name (DNS rebinding) sends that name.
    """
    return _HOST.fullmatch(host) is not None


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
