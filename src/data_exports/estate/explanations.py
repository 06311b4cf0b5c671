"""Every code of a finding explained: why it is a mistake, what it looks like, how it is mended.

Out: the explanations. Effects: reads ``explanations.toml``, which is packed beside this module, when first asked.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from data_exports.estate.codes import CODES, Code
from data_exports.estate.findings import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One code: `wrong` is what stands in `file`, or a sentence where no file can show it; `right` is the same mended.

    Unless the file is a `whole` one, only the lines that matter are shown, and the rest of the file is good.
    """

    why: str
    mend: str
    wrong: str
    file: str = ""
    right: str = ""
    whole: bool = False
    severity: Severity = Severity.ERROR
    severity_note: str = ""


@cache
def explanations() -> dict[Code, Explanation]:
    """Each code's explanation, in the order of the codes."""
    text = files(__package__).joinpath("explanations.toml").read_text(encoding="utf-8")
    return {CODES[code]: _explanation(**about) for code, about in tomllib.loads(text).items()}


def _explanation(*, severity: str = Severity.ERROR, **about: Any) -> Explanation:
    return Explanation(severity=Severity(severity), **about)
