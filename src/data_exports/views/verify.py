"""What verifying the log came to, for people.

In: a `Verification`. Out: text; its JSON is its own fields. Effects: none.
"""

from collections.abc import Iterator, Sequence

from data_exports.evidence.checking import Deviation, DeviationKind
from data_exports.operate.verifying import Verification
from data_exports.text import counted, printable

LISTED_OF_A_KIND = 50
"""So many of one kind are listed; JSON has all of them."""
_MEANING = {
    DeviationKind.TAMPERED: "TAMPERED WITH: this is not as it was logged",
    DeviationKind.BEHIND: "BEHIND: the notary has not logged this, for longer than it should take",
    DeviationKind.UNREAD: "CANNOT BE READ: nothing is known of this",
    DeviationKind.EXPIRED: "expired by policy: these receipts are deleted, as receipts_days said",
    DeviationKind.MISSING: "NOT IN THE BUNDLE: this was logged, and whoever made the bundle did not find it any more",
    DeviationKind.NOT_LOGGED: "not yet logged: the notary's next run takes this",
}


def render_verification(found: Verification) -> str:
    """What is proven, then what is not as it should be, by kind."""
    return "\n".join([*_proven(found), *render_deviations(found.deviations), *_late(found)])


def _proven(found: Verification) -> Iterator[str]:
    seconds = f"({found.seconds:.1f} s)"
    if not found.size:
        yield f"The log {printable(found.log)} holds nothing yet {seconds}"
        return
    is_right = not found.of_kind(DeviationKind.TAMPERED, DeviationKind.UNREAD)
    holds = (
        f"{counted(found.receipts, 'receipt')} in {counted(found.files, 'file')}, "
        f"{counted(found.deployments, 'deployment')}"
    )
    said = "is whole, has only grown, and what is there is what it holds" if is_right else "was looked at"
    yield f"The log {printable(found.log)} {said}: {holds} {seconds}"
    heads = f"{counted(found.size, 'leaf', 'leaves')}, {counted(found.heads, 'signed head')}"
    yield f"  {heads}; the last by key {found.signed_by}, root {found.root}"
    if found.kept_heads:
        yield kept_heads_words(found.kept_heads)


def kept_heads_words(heads: int) -> str:
    """A line that says what was compared with heads from elsewhere."""
    return f"  the log has grown from {counted(heads, 'head')} that somebody kept"


def render_deviations(deviations: Sequence[Deviation]) -> Iterator[str]:
    """Lines of what is not as it should be, by kind."""
    for kind, meaning in _MEANING.items():
        of_kind = [each for each in deviations if each.kind is kind]
        if of_kind:
            yield f"{meaning}: {len(of_kind):,}"
        yield from (f"  {printable(each.where)}: {printable(each.what)}" for each in of_kind[:LISTED_OF_A_KIND])
        if len(of_kind) > LISTED_OF_A_KIND:
            yield f"  and {len(of_kind) - LISTED_OF_A_KIND:,} more: --json lists them"


def _late(found: Verification) -> Iterator[str]:
    if found.late_files:
        files = counted(found.late_files, "file")
        yield f"{files} came into the log more than a day after the time in the name: what was before the log, or late"
