"""`exports evidence` and `exports verify BUNDLE`, as they are called; no AWS is reached."""

import json
from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.envelopes import check_printed
from tests.evidence_bundles import forged, log_of_three, make_bundle
from tests.evidence_places import Signer


@pytest.fixture(autouse=True)
def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle in an empty folder, which is the current one, with keys and a kept head beside it."""
    places, first = log_of_three()
    make_bundle(places, tmp_path / "orders.zip", kept=[first])
    (tmp_path / "keys.txt").write_text(f"{places.signer.verifier}\n")
    (tmp_path / "other-keys.txt").write_text(f"{Signer(2).verifier}\n")
    (tmp_path / "head.txt").write_bytes(first)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["verify", *words])
    out, err = capsys.readouterr()
    check_printed(["verify", *words], out, err, code)
    return code, out, err


def test_a_bundle_is_verified_where_there_is_no_estate(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = verify(capsys, "orders.zip", "--keys", "keys.txt", "--since", "head.txt")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith("5 receipts in 2 files and 2 deployments of orders are in the log example-hub-evidence.")
    assert lines[1].startswith("  26 leaves, signed by key ")
    assert lines[2:] == [
        "  5 delivered",
        "  the log has grown from 2 heads that somebody kept",
        "  not proven: that nothing was left out; a bundle made with --whole-log proves that, too",
    ]


def test_without_keys_from_elsewhere_it_says_so(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = verify(capsys, "orders.zip")
    assert code == 0
    assert "by the key that lies in the bundle itself: give --keys FILE" in out
    code, out, _ = verify(capsys, "orders.zip", "--keys", "other-keys.txt")
    assert code == 1
    assert out.startswith("The bundle of orders does not hold what it claims")
    assert "checkpoint: no key that is known has signed it: nothing here is proven" in out


def test_what_was_tampered_with_ends_with_1_and_what_cannot_be_read_with_4(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = forged(bundle / "orders.zip", "receipts.jsonl", lambda body: body.replace(b"orders/1", b"orders/7", 1))
    code, out, _ = verify(capsys, str(changed), "--keys", "keys.txt", "--json")
    found = json.loads(out)
    assert (code, [each["kind"] for each in found["deviations"]]) == (1, ["tampered", "tampered"])
    (bundle / "cut.zip").write_bytes((bundle / "orders.zip").read_bytes()[:-30])
    code, out, err = verify(capsys, "cut.zip", "--json")
    assert (code, out) == (4, "")
    error = json.loads(err)["error"]
    assert (error["kind"], error["where"], error["next_step"]) == (
        "unreadable",
        "cut.zip",
        "have it sent again by whoever made it",
    )


def test_a_head_that_somebody_kept_and_nobody_who_is_known_has_signed_is_tampering(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = (bundle / "head.txt").read_bytes()
    (bundle / "changed.txt").write_bytes(head.replace(b"\n13\n", b"\n14\n"))
    code, out, _ = verify(capsys, "orders.zip", "--keys", "keys.txt", "--since", "changed.txt")
    assert code == 1
    assert "  changed.txt: whoever keeps it was given this: its signature is not of this text" in out.splitlines()
    (bundle / "of-another.txt").write_bytes(head.replace(b"example-hub", b"another-hub"))
    code, out, err = verify(capsys, "orders.zip", "--keys", "keys.txt", "--since", "of-another.txt")
    assert (code, out) == (2, "")
    assert err.startswith("error: of-another.txt: this is no head of the log: it is the head of another log\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["verify", "none.zip"], 2, "none.zip: it cannot be opened: No such file or directory"),
        (["verify", "orders.zip", "--keys", "none"], 2, "none: the keys cannot be read: No such file or directory"),
        (
            ["verify", "orders.zip", "--keys", "head.txt"],
            2,
            "head.txt: the keys cannot be read: it is no Ed25519 verifier key",
        ),
        (
            ["verify", "orders.zip", "--since", "keys.txt"],
            2,
            "keys.txt: this is no head of the log: it is no signed note",
        ),
        (["verify", "orders.zip", "--keep", "x"], 2, "--keep keeps the head of the log, and a bundle has one already"),
        (["verify", "orders.zip", "--witness", "head.txt"], 2, "--witness is of the log"),
        (
            ["verify", "keys.txt"],
            4,
            "keys.txt: the bundle cannot be read, so nothing is proven: it is no whole zip file",
        ),
    ],
)
def test_a_wrong_call_is_told_in_one_message(
    words: list[str], code: int, said: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["hearing", "--out", "x.zip"], 2, "no dataset is named 'hearing'"),
        (["bundle", "hearing", "--out", "x.zip"], 2, "no dataset is named 'hearing'"),
        (["--out", "x.zip", "hearing"], 2, "no dataset is named 'hearing'"),
        (["orders", "--out", "exports.yaml"], 2, "exports.yaml: there is a file of this name"),
        (["orders", "--out", "x.zip"], 2, "the estate keeps no key of its log"),
    ],
)
def test_the_word_bundle_may_be_left_out_and_what_is_wrong_is_said_before_aws_is_asked(
    words: list[str], code: int, said: str, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evidence", *words]) == code
    assert said in capsys.readouterr().err
    assert not (estate / "x.zip").exists()


def test_a_platform_without_evidence_is_told_so(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (estate / "evidence-keys.txt").write_text(f"{Signer().verifier}\n")
    assert main(["evidence", "orders", "--out", "x.zip"]) == 1
    assert "the platform keeps no evidence\n  next: add `evidence: {lock_days: 3650}`" in capsys.readouterr().err


def test_a_platform_without_a_witness_is_told_so(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "witness"]) == 1
    assert "the evidence has no witness\n  next: add `witness: s3://bucket/folder`" in capsys.readouterr().err
    (estate / "evidence-keys.txt").write_text(f"{Signer().verifier}\n")
    assert main(["verify", "--witness", "nowhere"]) == 2
    assert "what the witness keeps cannot be read: No such file or directory" in capsys.readouterr().err
    assert main(["verify", "--file", "exports.yaml", "--witness", "heads"]) == 2
    assert "--witness are of the log" in capsys.readouterr().err


def test_a_period_that_ends_before_it_begins_is_refused(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (estate / "evidence-keys.txt").write_text(f"{Signer().verifier}\n")
    assert main(["evidence", "orders", "--since", "2031-02-01", "--until", "2031-01-01", "--out", "x.zip"]) == 2
    assert "--until is not after --since" in capsys.readouterr().err
