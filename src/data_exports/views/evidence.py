"""The key of the log, and the letter to its witness, for people and for programs.

In: what was written; a platform. Out: text, and values for JSON. Effects: none.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_exports.access.witness import witness_policy
from data_exports.contract.keys import head_key_of
from data_exports.estate.models import Platform
from data_exports.names import AccountId
from data_exports.text import printable


@dataclass(frozen=True, slots=True)
class EvidenceKeyData:
    """The key that signs the log, and the file that keeps it."""

    file: Path
    key: str
    """`<log>+<id>+<key>`, as tools for signed notes take it."""
    is_new: bool
    """Whether it was not in the file."""
    keys: int
    """How many keys the file holds."""


def render_evidence_key(data: EvidenceKeyData) -> str:
    """The key, and what to do with it."""
    if not data.is_new:
        return f"{data.key}\nis in {printable(str(data.file))}"
    earlier = f"; {data.keys - 1} that signed before stay in it" if data.keys > 1 else ""
    return f"{data.key}\nwritten to {printable(str(data.file))}: commit it{earlier}"


@dataclass(frozen=True, slots=True)
class WitnessLetterData:
    """What the owner of the witness's bucket puts in place."""

    bucket: str
    folder: str
    """Where in it the heads lie, one a day, named YYYY-MM-DD."""
    account: AccountId | None
    """Whose the bucket must be; null: nobody is named."""
    policy: dict[str, Any]
    """The bucket's policy."""


def witness_letter_of(platform: Platform) -> WitnessLetterData | None:
    """What the letter says; None when there is no witness."""
    lock = platform.evidence
    if lock is None or lock.witness_bucket is None:
        return None
    folder = head_key_of(lock.witness_prefix, platform.evidence_bucket, "")
    return WitnessLetterData(lock.witness_bucket, folder, lock.witness_account, witness_policy(platform))


def render_witness(data: WitnessLetterData, platform: Platform) -> str:
    """The letter."""
    named = printable(platform.name_of_account(platform.account))
    contact = f"Questions: {printable(platform.contact)}" if platform.contact else ""
    lines = [
        f"To the owner of the bucket {data.bucket}",
        "",
        f"{named} keeps a signed log of what it delivered and whom it let in.",
        "Once a day it would put the head of that log into your bucket: some 200 bytes that name a number of",
        "entries and their digest, and nobody. As long as you keep them where we cannot change them, neither we",
        "nor anybody else can rewrite that log, or show you another than others, without it being seen.",
        "",
        f"Where: s3://{data.bucket}/{data.folder}YYYY-MM-DD",
        "",
        "1. Put this into the policy of the bucket. It lets one role of ours add a file there, and replace none:",
        "",
        json.dumps(data.policy, indent=2),
        "",
        "2. Let S3 encrypt the bucket with its own keys (SSE-S3): the role may use no key of yours. With Object",
        "   Lock nobody on your side deletes a head by mistake.",
        "",
        "3. Keep our public key, evidence-keys.txt of our declarations. A head is a signed note",
        "   (https://c2sp.org/signed-note), which other tools read, too. Whenever you doubt: `exports verify",
        "   --witness` holds the log against your heads; or send them to us, and see what it says.",
        *(["", contact] if contact else []),
    ]
    return "\n".join(lines)
