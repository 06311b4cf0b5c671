"""What a probe found, for people and for programs.

In: a `Probed`. Out: text, and what JSON has of it. Effects: none.
"""

from collections.abc import Iterable, Iterator, Sequence

from data_exports.destinations.destination import Lack, Party
from data_exports.operate.probe.findings import Check, Probed
from data_exports.text import printable
from data_exports.views.tables import fitted


def render_probed(probed: Probed, *, width: int | None = None) -> str:
    """The probe for people: each check on a line, then what is lacking and what to do.

    On a terminal that is narrower than that, by its `width`, what was answered stands below its check.
    """
    lines = [*fitted(printable(probed.about), width), "", *_check_lines(probed.checks, width), ""]
    return "\n".join([*lines, *_verdict_lines(probed, width)])


def _check_lines(checks: Sequence[Check], width: int | None) -> list[str]:
    texts = [printable(check.text + (f" ({check.action})" if check.action else "")) for check in checks]
    column, rows = max(map(len, texts), default=0), list(zip(texts, checks, strict=True))
    lines = [f"  {check.answer:<9}  {text:<{column}}  {printable(check.detail)}".rstrip() for text, check in rows]
    if width is None or all(len(line) <= width for line in lines):
        return lines
    parted = ((f"  {each.answer:<9}  {text}", f"    {printable(each.detail)}".rstrip()) for text, each in rows)
    return [part for row in parted for line in row if line for part in fitted(line, width)]


def _verdict_lines(probed: Probed, width: int | None) -> Iterator[str]:
    if probed.lacks:
        yield from _lack_lines(probed.lacks, width)
    elif probed.is_good:
        yield "Nothing is lacking."
    else:
        yield "Nothing is known to be lacking, but not everything could be looked at."
    if probed.leaves:
        yield from fitted(f"One small object stays: {printable(probed.leaves)}", width)
    if probed.note:
        yield from fitted(printable(probed.note), width)


def _lack_lines(lacks: Iterable[Lack], width: int | None) -> Iterator[str]:
    heading = {Party.OURS: "On our side", Party.THEIRS: "On their side", Party.EITHER: "On either side"}
    for lack in lacks:
        yield from fitted(f"{heading[lack.side]}: {printable(lack.what)}", width)
        yield f"  next: {printable(lack.next_step)}"
