"""The platforms that are remembered: as text, and as data for ``--json``.

In: `UsedPlatform` values. Out: text. Effects: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_exports.operate.platforms import UsedPlatform
from data_exports.text import printable


@dataclass(frozen=True, slots=True)
class PlatformsData:
    """The platforms that are remembered, by name."""

    platforms: Sequence[UsedPlatform]


def render_platforms(platforms: Sequence[UsedPlatform]) -> str:
    """A line for each; what to do where there is none."""
    if not platforms:
        return "no platform is remembered: exports use HUB"
    return "\n".join(
        f"{printable(each.name)}  hub {each.hub_bucket}, {each.region}, account {each.account}"
        + (f"; sent to or asked for: {', '.join(each.datasets)}" if each.datasets else "")
        for each in platforms
    )
