"""How many findings there are, for people; for other forms see `check`.

In: findings, and an estate as it was loaded. Out: text. Effects: none. Quick to import, as `exports check` is quick.
"""

from collections import Counter
from collections.abc import Sequence

from data_exports.access.sizes import fullest_role
from data_exports.estate.findings import Finding
from data_exports.estate.loader import Loaded
from data_exports.limits import INLINE_POLICY_CHARACTERS_PER_ROLE
from data_exports.text import counted, datasets_words


def render_summary(loaded: Loaded, findings: Sequence[Finding]) -> str:
    """What the estate holds, and how many findings."""
    found = finding_counts(findings)
    if loaded.estate is None:
        return f"{found}: this estate cannot be deployed"
    whole = f"{datasets_words(len(loaded.estate.push_datasets), len(loaded.estate.pull_datasets))}: {found}"
    load = fullest_role(loaded.estate)
    if load is None or load.characters * 2 < INLINE_POLICY_CHARACTERS_PER_ROLE:
        return whole
    carries = f"{load.role} carries {load.characters:,} of the {INLINE_POLICY_CHARACTERS_PER_ROLE:,} characters"
    return f"{whole}\n{carries} of policies that IAM allows a role: {counted(load.more, 'more dataset')} would fit"


def render_files_summary(files: int, findings: Sequence[Finding], others: Sequence[Finding]) -> str:
    """How many findings are in these files, and how many elsewhere."""
    elsewhere = f"; and {finding_counts(others)} in other files" if others else ""
    return f"{counted(files, 'file')}: {finding_counts(findings)}{elsewhere}"


def finding_counts(findings: Sequence[Finding]) -> str:
    """``2 errors, 1 warning``."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(counted(number, name) for name, number in sorted(counts.items())) or "no findings"
