"""A probe, as text and as data: what was looked at, what is lacking on which side, and what it leaves behind."""

from dataclasses import replace

import pytest

from data_exports.destinations.destination import Lack, Party
from data_exports.operate.probe.findings import Check, CheckAnswer, Probed
from data_exports.views.probe import render_probed
from tests.json_data import json_data

LIST = Check("listing", CheckAnswer.GOOD, action="s3:ListBucket")
PUT = Check("put a small object", CheckAnswer.LACKING, "AccessDenied: no\x1b", "s3:PutObject")
TAG = Check("tag", CheckAnswer.UNKNOWN)
FINE = Probed("hearings", "role export_hearings-move writes", (LIST,), ())


def test_a_probe_that_lacks_nothing_says_so() -> None:
    assert render_probed(FINE).splitlines() == [
        "role export_hearings-move writes",
        "",
        "  ok         listing (s3:ListBucket)",
        "",
        "Nothing is lacking.",
    ]


def test_what_is_lacking_stands_below_the_checks_with_its_side_and_what_to_do() -> None:
    lacks = tuple(Lack(side, f"what {side}", f"mend {side}") for side in (Party.OURS, Party.THEIRS, Party.EITHER))
    probed = replace(FINE, checks=(LIST, PUT, TAG), lacks=lacks, leaves="s3://there/x", note="It shows no more.")
    assert render_probed(probed).splitlines() == [
        "role export_hearings-move writes",
        "",
        "  ok         listing (s3:ListBucket)",
        "  lacking    put a small object (s3:PutObject)  AccessDenied: no\\x1b",
        "  not known  tag",
        "",
        "On our side: what ours",
        "  next: mend ours",
        "On their side: what theirs",
        "  next: mend theirs",
        "On either side: what either",
        "  next: mend either",
        "One small object stays: s3://there/x",
        "It shows no more.",
    ]


def test_a_probe_that_could_not_look_at_everything_does_not_say_that_all_is_well() -> None:
    probed = replace(FINE, checks=(LIST, TAG))
    assert render_probed(probed).splitlines()[-1] == (
        "Nothing is known to be lacking, but not everything could be looked at."
    )


@pytest.mark.parametrize(
    ("checks", "lacks", "is_good"),
    [
        ((LIST, LIST), (), True),
        ((LIST, TAG), (), False),
        ((LIST, PUT), (), False),
        ((LIST,), (Lack(Party.OURS, "a policy", "deploy"),), False),
    ],
)
def test_all_is_well_only_if_every_check_is_and_nothing_is_lacking(
    checks: tuple[Check, ...], lacks: tuple[Lack, ...], is_good: bool
) -> None:
    assert json_data(replace(FINE, checks=checks, lacks=lacks)) == {
        "dataset": "hearings",
        "about": "role export_hearings-move writes",
        "checks": json_data(checks),
        "lacks": json_data(lacks),
        "leaves": None,
        "note": None,
        "is_good": is_good,
    }
