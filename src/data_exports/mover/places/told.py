"""What somebody else's service says, as it may be repeated in logs, receipts and messages.

In: texts. Out: the same on one line, within a bound, without tokens and characters that nobody sees. No effects.
"""

import re

_MOST_CHARACTERS = 300
_LOOKED_AT = 4_000  # characters: what comes after them is not repeated anyway
# AWS's and Entra's tokens are JWTs, Google's begin with ya29; and whatever is called one in a header.
_TOKEN = re.compile(r"(?:eyJ|ya29\.)[\w.-]*[\w-]|(?<=[Bb]earer )[\w.~+/=-]{8,}")


def told_text(text: str) -> str:
    """What was said, as it may be repeated."""
    seen = "".join(character if character.isprintable() else " " for character in text[:_LOOKED_AT])
    return _TOKEN.sub("(a token)", " ".join(seen.split()))[:_MOST_CHARACTERS]
