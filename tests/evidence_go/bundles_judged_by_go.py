"""Go's own note and tlog believe a bundle of evidence by the program that lies in it, and none that was changed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from data_exports.evidence.heads import Head
from tests.evidence_bundles import files_in, forged, log_of_three, make_bundle
from tests.evidence_go.building import built
from tests.evidence_places import LOG, Signer


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    places, first = log_of_three()
    make_bundle(places, folder / "own.zip", kept=[first])
    make_bundle(places, folder / "whole.zip", has_whole_log=True)
    source = folder / "verify.go"
    source.write_bytes(files_in(folder / "own.zip")["verify.go"])
    built(source, folder / "verify")
    return folder


def believes(program: Path, bundle: Path) -> tuple[int, str]:
    words = [str(program), str(bundle), str(Signer().verifier)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["own.zip", "whole.zip"])
def test_go_believes_each_leaf_of_a_bundle(name: str, bundles: Path) -> None:
    said = f"5 receipts and 2 deployments are in the log of 26 leaves that {LOG} has signed\n"
    assert believes(bundles / "verify", bundles / name) == (0, said)


def forked() -> bytes:
    signer = Signer()
    return Head(13, bytes(32), signer.verifier).encode(signer.sign)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("receipts.jsonl", lambda body: body.replace(b"orders/1", b"orders/7", 1), "a line of receipts.jsonl is not"),
        ("leaves.txt", lambda body: body.replace(b'"line":2', b'"line":3', 1), "invalid transparency proof"),
        ("proof.bin", lambda body: b"\0" + body[1:], "invalid transparency proof"),
        ("proof.bin", lambda body: body[32:], "the proof"),
        ("checkpoint", lambda body: body.replace(b"\n26\n", b"\n27\n"), "invalid signature"),
        ("heads/1", lambda body: body.replace(b"\n13\n", b"\n14\n"), "invalid signature"),
        ("heads/1", lambda _: forked(), "invalid transparency proof"),
        ("deployments/exports-push-orders/0000000000000000-", lambda body: body + b" ", "a deployment is not"),
    ],
)
def test_go_does_not_believe_a_bundle_that_was_changed(
    name: str, change: Callable[[bytes], bytes], said: str, bundles: Path
) -> None:
    (whole_name,) = (each for each in files_in(bundles / "own.zip") if each.startswith(name))
    code, text = believes(bundles / "verify", forged(bundles / "own.zip", whole_name, change))
    assert code == 1
    assert f"NOT PROVEN: {said}" in text
