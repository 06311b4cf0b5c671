"""E-mail addresses and domains: what is one, and which one a text holds.

In: text. Out: text, or whether it is one. Effects: none. ASCII alone: look-alike letters of other alphabets would pass
for a domain that they are not.
"""

import re

ADDRESS_CHARACTERS = 254
"""https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3, without the angle brackets"""

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
"""https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4: labels of up to 63 letters, digits and hyphens."""
ADDRESS_PATTERN = rf"(?=[^@]{{1,64}}@)[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_DOMAIN}"
_ADDRESS = re.compile(ADDRESS_PATTERN)
_LIKE_AN_ADDRESS = re.compile(r"[^\s@,;:<>\"()]+@[\w-]+(?:\.[\w-]+)+")
DOMAIN_PATTERN = _DOMAIN


def is_address(text: str) -> bool:
    """Whether the whole text is one address to which a message can be sent."""
    return len(text) <= ADDRESS_CHARACTERS and _ADDRESS.fullmatch(text) is not None


def address_in(text: str) -> str:
    """The first thing in a text that looks like an address; "" when there is none."""
    found = _LIKE_AN_ADDRESS.search(text)
    return found[0] if found else ""
