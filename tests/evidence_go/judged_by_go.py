"""Go's own note and tlog believe a log of the notary, and none that was changed. `make evidence-go`, where Go is.

Debian has both as golang-go and golang-golang-x-mod-dev; what is compiled lies in the test's folder.
"""

import subprocess
from pathlib import Path

import pytest

from data_exports.evidence.entries import HEAD
from data_exports.notary.notary import notarise
from tests.evidence_go.building import built
from tests.evidence_places import MemoryPlaces, leaves_of


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(Path(__file__).with_name("verify.go"), tmp_path_factory.mktemp("go") / "verify")


def written(places: MemoryPlaces, older: bytes, folder: Path) -> Path:
    for path, kept in places.evidence.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(kept.body)
    (folder / "older").write_bytes(older)
    (folder / "leaves").write_text("".join(f"{leaf.encode().hex()}\n" for leaf in leaves_of(places)))
    return folder


def believes(program: Path, folder: Path, places: MemoryPlaces) -> tuple[int, str]:
    words = [str(program), str(folder), str(places.signer.verifier)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def log(tmp_path: Path) -> tuple[MemoryPlaces, Path]:
    places = MemoryPlaces()
    places.add_receipts("orders", 300)
    places.deploy("exports-push-orders", {"users": ["alpha_user_ana"]})
    notarise(places, places.signer.verifier, places.now)
    older = places.evidence[HEAD].body
    places.wait()
    places.add_receipts("lists", 400)
    notarise(places, places.signer.verifier, places.now)
    return places, written(places, older, tmp_path)


def test_go_believes_every_leaf_and_that_the_log_has_only_grown(program: Path, log: tuple[MemoryPlaces, Path]) -> None:
    places, folder = log
    assert believes(program, folder, places) == (0, "705 leaves, grown from 303\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("leaves", b'"line":7'.hex().encode(), b'"line":8'.hex().encode(), "invalid transparency proof"),
        ("checkpoint", b"\n705\n", b"\n704\n", "invalid signature"),
        ("tile/0/001", b"", b"x", "invalid transparency proof"),
    ],
    ids=["leaf", "head", "tile"],
)
def test_go_does_not_believe_what_was_changed(
    program: Path, log: tuple[MemoryPlaces, Path], file: str, old: bytes, new: bytes, said: str
) -> None:
    places, folder = log
    body = (folder / file).read_bytes()
    (folder / file).write_bytes(body.replace(old, new, 1)[: len(body)])
    code, text = believes(program, folder, places)
    assert code == 1
    assert said in text
