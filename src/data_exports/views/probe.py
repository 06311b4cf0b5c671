"""What a probe found, for people and for programs.

In: a `Probed`. Out: text, and what JSON has of it. Effects: none.
"""

from collections.abc import Iterable, Iterator

from data_exports.destinations.destination import Lack, Party
from data_exports.operate.probe.findings import Probed
from data_exports.text import printable


def render_probed(probed: Probed) -> str:
    """The probe for people: each check on a line, then what is lacking and what to do."""
    return "\n".join(_lines(probed))


def _lines(probed: Probed) -> Iterator[str]:
    yield printable(probed.about)
    yield ""
    texts = [check.text + (f" ({check.action})" if check.action else "") for check in probed.checks]
    width = max(map(len, texts), default=0)
    for text, check in zip(texts, probed.checks, strict=True):
        yield f"  {check.answer:<9}  {printable(text):<{width}}  {printable(check.detail)}".rstrip()
    yield ""
    if probed.lacks:
        yield from _lack_lines(probed.lacks)
    elif probed.is_good:
        yield "Nothing is lacking."
    else:
        yield "Nothing is known to be lacking, but not everything could be looked at."
    if probed.leaves:
        yield f"One small object stays: {printable(probed.leaves)}"
    if probed.note:
        yield printable(probed.note)


def _lack_lines(lacks: Iterable[Lack]) -> Iterator[str]:
    heading = {Party.OURS: "On our side", Party.THEIRS: "On their side", Party.EITHER: "On either side"}
    for lack in lacks:
        yield f"{heading[lack.side]}: {printable(lack.what)}"
        yield f"  next: {printable(lack.next_step)}"
