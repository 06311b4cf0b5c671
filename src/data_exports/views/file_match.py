"""Which receipts a file in hand fits, for people.

In: a `FileVerification`, and the platform. Out: text; its JSON is its own fields. Effects: none.
"""

from collections.abc import Iterator

from data_exports.contract.receipts import Receipt
from data_exports.estate.models import Platform
from data_exports.operate.file_match import FileMatch, FileVerification, NearReceipt
from data_exports.text import counted, moment_words, printable

MATCHES_SHOWN = 20
"""So many are listed; JSON has all of them."""
_COLUMNS = {"etag": "the upload's ETag", "destination_etag": "the ETag at the recipient"}
_PROOF = "nobody is known to be able to make another file with the same one"
_NO_PROOF = "no proof against forgery: whoever wants to can make another file with the same CRC or MD5"


def render_file_verification(found: FileVerification, platform: Platform) -> str:
    """What fits, by what, and what that proves; or what comes nearest."""
    lines = _matches(found, platform) if found.matches else _none(found, platform)
    head = f"{printable(str(found.file))}: {counted(found.size_bytes, 'byte')}, SHA-256 {found.sha256}"
    return "\n".join([head, *lines, *_damaged(found)])


def _matches(found: FileVerification, platform: Platform) -> Iterator[str]:
    yield f"It is the file of {counted(len(found.matches), 'receipt')}:"
    for match in found.matches[:MATCHES_SHOWN]:
        yield f"  {_receipt(match.receipt)}"
        yield f"    by {_by(match)}: {_PROOF if match.is_proof else _NO_PROOF}"
    if len(found.matches) > MATCHES_SHOWN:
        yield f"  and {len(found.matches) - MATCHES_SHOWN:,} more: --json lists them"
    if platform.evidence:
        yield "Whether these receipts are as they were written: `exports verify`"
    else:
        yield "These receipts are as the log bucket has them: the platform keeps no evidence that nobody changed them"


def _none(found: FileVerification, platform: Platform) -> Iterator[str]:
    read = f"{counted(found.receipts, 'receipt')} of {', '.join(map(printable, found.datasets)) or 'no dataset'}"
    yield f"NO RECEIPT FITS: of {read}"
    for near in found.nearest:
        yield f"  of this name, {_difference(near)}: {_receipt(near.receipt)}"
    if found.undecided:
        many = counted(found.undecided, "receipt")
        yield f"  {many} of this size cannot be compared: no digest, and an ETag may be of a KMS key, or of other parts"
    if platform.receipts_days:
        yield f"  receipts are deleted after {counted(platform.receipts_days, 'day')}, as exports.yaml says"


def _receipt(receipt: Receipt) -> str:
    at = moment_words(receipt.delivered_at or receipt.recorded_at)
    where = f" to {printable(receipt.destination)}" if receipt.destination and receipt.delivered_at else ""
    return f"{printable(receipt.outcome)} {at}  {printable(receipt.key)}{where}"


def _by(match: FileMatch) -> str:
    return ", ".join(_COLUMNS.get(name, name) for name in match.matched_by)


def _difference(near: NearReceipt) -> str:
    match near.differs_in:
        case "size":
            return f"of {counted(near.receipt.size_bytes or 0, 'byte')}"
        case "content":
            return "of this size, of other content"
        case None:
            return "which cannot be compared"


def _damaged(found: FileVerification) -> Iterator[str]:
    if found.damaged:
        yield f"{counted(found.damaged, 'line')} of receipts cannot be read: `exports history` names them"
