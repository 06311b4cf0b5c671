"""What names paperwork, and what only stands where some is to come."""

from pathlib import Path

import pytest

from data_exports.estate.lookalikes import folded
from data_exports.estate.paperwork import is_paperwork
from tests.unit.estate.written import PLATFORM, PUSH, said, write_estate

NONE = [
    *[
        "TBD",
        "tbd.",
        "T.B.D.",
        "T B C",
        "t_b_a",
        "TBD2",
        "N/A",
        "n.a.",
        "nil",
        "none",
        "none yet",
        "No DPIA yet",
        "not yet",
    ],
    *["OneTrust TBD", "DPIA TBC", "TBC-2031", "DPIA-XXX-1", "DPIA-0000", "XXX", "x", "TODO: DPIA", "WIP", "change me"],
    *["to be confirmed", "agreement to be signed off, TBC by 12 March 2031", "TBC Q3 2031", "due 2031-03-01, pending"],
    *["in progress", "DPIA in progress", "being written", "coming soon", "pending", "Sign-off pending", "to follow"],
    *[
        "awaiting sign-off from the information team",
        "not applicable",
        "DPIA not required",
        "yet to be agreed with HMCTS",
    ],
    *[
        "link to your DPIA",
        "Link to the agreement",
        "<link>",
        "insert the link to the DPIA here",
        "{{ dpia }}",
        "see here",
    ],
    *["0", "00", "1", "false", "true", "null", "yes", ".", "_", "-", "?", "...", "\u2014", "#", "", " "],
    *["DPIA", "OneTrust", "OneTrust DPIA", "DPIA done", "DPIA: signed", "paperwork", "ask Ana", "Probation"],
    *["https://", "http://tbd", "https://example.gov.uk/dpia/TBD", "https://tbd.example.gov.uk/", "https://tbd/tbd"],
    # Letters that nobody sees, and letters that are drawn as others.
    *[
        "\u3164",
        "\u2800\u2800",
        "\ufe0f",
        "\u200b\u200d",
        "\u00a0",
        "\u115f\u1160",
        "\U000e0041",
        "\ue000",
        "T\u200bB\u200bD",
    ],
    *[
        "\u0422\u0412D",
        "\u0442\u0432\u0501",
        "\u0422\u0412\u0421",
        "\u03a4\u0392D",
        "\uff34\uff22\uff24",
        "\U0001d413\U0001d401\U0001d403",
    ],
    *[
        "\u24c9\u24b7\u24b9",
        "\U0001f1f9\U0001f1e7\U0001f1e9",
        "\u1d1b\u0299\u1d05",
        "T\u0332B\u0332D\u0332",
        "\u0167bd",
        "\ua4d4\ua4d0\ua4d3",
    ],
    *["\u13a2\u13f4\u13a0", "n\u043ene \u0443et", "p\u0435nding", "\u0131n progress", "f\u0430lse", "\u041e\u041e"],
]
GENUINE = [
    *[
        "Sharing agreement HJ-2031, signed 12 March",
        "Memorandum of understanding with Probation",
        "DPIA-1",
        "DPIA 12",
        "ISA 7",
    ],
    *[
        "https://example.gov.uk/dpia/1042",
        "https://intranet/dpia/7",
        "see https://example.gov.uk/a",
        "HTTPS://EXAMPLE.GOV.UK",
    ],
    *[
        "https://example.sharepoint.com/:b:/s/x?e=AbC",
        "https://app-uk.onetrust.com/pia/a1",
        "link to your DPIA: https://a.gov.uk/1",
    ],
    *[
        "sharing agreement of 12 March: signed",
        "Data sharing agreement",
        "Probation MoU",
        "HJ-2031 (renewal TBC)",
        "1042",
    ],
    *[
        "DPIA-1042, sign-off pending",
        "Agreement on prisoners awaiting trial",
        "Agreement on pending cases with Probation",
    ],
    *[
        "Signed by Ana and Ben",
        "Missing persons protocol",
        "Section 35 agreement",
        "DPIA for court hearings",
        "2031/17",
    ],
    *[
        "Hearings/DPIA.docx in SharePoint",
        "Accord de partage avec la Chancellerie",
        "\u0421\u043e\u0433\u043b\u0430\u0448\u0435\u043d\u0438\u0435 \u2116 17",
    ],
    *[
        "\u041e\u0431\u043c\u0435\u043d \u0434\u0430\u043d\u043d\u044b\u043c\u0438",
        "Vereinbarung \u00fcber Daten",
        "Cytundeb rhannu data \u00e2 HMCTS",
    ],
]


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_what_is_still_to_come_is_no_paperwork(text: str) -> None:
    assert not is_paperwork(text)


@pytest.mark.parametrize("text", GENUINE, ids=ascii)
def test_what_says_which_paperwork_is_some(text: str) -> None:
    assert is_paperwork(text)


@pytest.mark.parametrize(("policy", "severity"), [("warn", "warning"), ("required", "error")])
def test_the_platform_says_whether_a_dataset_may_be_without(policy: str, severity: str, tmp_path: Path) -> None:
    platform = f"{PLATFORM}  paperwork: {policy}\n"
    folder = write_estate(tmp_path, platform=platform, push=PUSH.replace("DPIA-1", "[OneTrust TBD, '0']"))
    assert [line.split(" -> ")[0] for line in said(folder)] == [
        f"push_datasets/a.yaml:5:13 EX601 {severity}: 'OneTrust TBD' is no paperwork yet",
        f"push_datasets/a.yaml:5:27 EX601 {severity}: '0' is no paperwork yet",
    ]


def test_text_is_folded_to_what_it_looks_like() -> None:
    looks = {
        "Cloud Pl\u0430tform": "cloud platform",
        "\u0397\u041c\u0421\u03a4\u0405": "hmcts",
        "\u0399\u0406\u04c0I": "iiii",
        "\u00c9 1\u2074\u00a02": "e 14 2",
    }
    assert {text: folded(text) for text in looks} == looks
