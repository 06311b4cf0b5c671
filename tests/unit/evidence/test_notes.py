"""Signatures and signed notes: vectors of RFC 8032 and of C2SP, OpenSSL as another opinion, and what is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from data_exports.evidence.ed25519 import is_signed_by
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.notes import NotSignedError, VerifierKey, signed_note, signed_text_in
from tests.evidence_places import Signer

NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
"""https://pkg.go.dev/golang.org/x/mod/sumdb/note"""
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_signatures_of_the_rfc_are_right(key: str, message: str, signature: str) -> None:
    signed = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert is_signed_by(*signed)
    assert not is_signed_by(signed[0], signed[1] + b"x", signed[2])


@given(st.binary(max_size=100), st.integers(0, 255), st.integers(0, 511))
def test_what_openssl_signs_is_right_and_with_one_bit_changed_wrong(message: bytes, seed: int, bit: int) -> None:
    signer = Signer(seed)
    signature, key = signer.sign(message), signer.verifier.public_key
    assert is_signed_by(key, message, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_signed_by(key, message, bytes(changed))


def test_a_signature_has_one_form_and_a_key_is_a_point() -> None:
    signer = Signer()
    key, signature = signer.verifier.public_key, signer.sign(b"m")
    unreduced = int.from_bytes(signature[32:], "little") + ORDER
    assert not is_signed_by(key, b"m", signature[:32] + unreduced.to_bytes(32, "little"))
    assert not is_signed_by(key, b"m", signature + b"\x00")
    assert not is_signed_by(key[:31], b"m", signature)
    not_a_point = (2).to_bytes(32, "little")
    assert not is_signed_by(not_a_point, b"m", signature)
    assert not is_signed_by((2**255 - 19).to_bytes(32, "little"), b"m", signature)


def test_a_note_that_another_program_signed_is_read() -> None:
    key = VerifierKey.parse(NEUMANN)
    assert str(key) == NEUMANN
    assert signed_text_in(NOTE.encode(), [Signer().verifier, key]) == (NOTE.partition("\n\n")[0] + "\n", key)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (NOTE.replace("answer", "Answer"), "its signature is not of this text"),
        (NOTE.replace("x08go", "x18go"), "no key that is known has signed it"),
        (NOTE.replace("— PeterNeumann", "— Peter"), "no key that is known has signed it"),
        (NOTE.replace("JnAM=", "JnAM"), "no key that is known has signed it"),
        (NOTE.replace("\n\n", "\n"), "it is no signed note"),
        ("", "it is no signed note"),
    ],
)
def test_a_note_that_is_not_so_is_refused(note: str, said: str) -> None:
    with pytest.raises(NotSignedError, match=said):
        signed_text_in(note.encode(), [VerifierKey.parse(NEUMANN)])


@pytest.mark.parametrize(
    "text", ["", "a+b", NEUMANN.replace("c7", "c8"), NEUMANN.replace("+AR", "+Ah"), f"x y{NEUMANN}"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NotSignedError, match="it is no Ed25519 verifier key"):
        VerifierKey.parse(text)


def test_a_key_of_kms_is_the_same_key() -> None:
    private = Ed25519PrivateKey.generate()
    wrapped = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = VerifierKey.of_kms("log", wrapped)
    assert signed_text_in(signed_note("text\n", key, private.sign), [VerifierKey.parse(str(key))]) == ("text\n", key)
    with pytest.raises(NotSignedError, match="no public key of Ed25519"):
        VerifierKey.of_kms("log", wrapped[1:])


def test_a_head_says_size_and_root_and_whose_word_that_is() -> None:
    signer, other = Signer(1), Signer(2)
    head = Head(613, bytes(range(32)), signer.verifier)
    body = head.encode(signer.sign)
    root = base64.b64encode(bytes(range(32))).decode()
    assert body.decode().startswith(f"{signer.name}\n613\n{root}\n\n— {signer.name} ")
    assert head_in(body, [other.verifier, signer.verifier]) == head
    with pytest.raises(NotSignedError, match="no key that is known"):
        head_in(body, [other.verifier])


@pytest.mark.parametrize("text", ["", "log\n1\n", "log\n01\nAA==\n", f"log\n-1\n{'A' * 43}=\n", "log\n1\nAA==\n"])
def test_what_is_signed_and_no_head_is_refused(text: str) -> None:
    signer = Signer(name="log")
    with pytest.raises(NotSignedError, match="it is no head"):
        head_in(signed_note(text or "\n", signer.verifier, signer.sign), [signer.verifier])


def test_a_head_of_another_log_is_refused_whoever_signed_it() -> None:
    signer = Signer()
    with pytest.raises(NotSignedError, match="of another log"):
        head_in(signed_note(f"other\n1\n{'A' * 43}=\n", signer.verifier, signer.sign), [signer.verifier])
