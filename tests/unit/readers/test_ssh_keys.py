"""Public SSH keys: OpenSSH's own are taken, with its fingerprints; everything else is refused and never repeated."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.names import InvalidNameError
from data_exports.readers.ssh_keys import SshPublicKey
from tests import ssh_keys
from tests.ssh_keys import ECDSA_256, ED25519, FINGERPRINTS, RSA_2048


def _why(text: str) -> tuple[str, str]:
    with pytest.raises(InvalidNameError) as refused:
        SshPublicKey(text)
    return str(refused.value), refused.value.hint


def _line(kind: str, *fields: bytes, after: bytes = b"") -> str:
    blob = b"".join(len(each).to_bytes(4) + each for each in fields) + after
    return f"{kind} {base64.b64encode(blob).decode()}"


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def _rsa(bits: int, exponent: int = 65537) -> str:
    return _line("ssh-rsa", b"ssh-rsa", _number(exponent), _number(2**bits - 1))


@pytest.mark.parametrize("key", FINGERPRINTS)
@pytest.mark.parametrize("comment", ["", " ana@example.gov.uk", "  of the reporting team, 2026\n", "\t# \x1b[2J"])
def test_a_key_is_its_type_and_its_base64_whatever_the_comment(key: str, comment: str) -> None:
    parsed = SshPublicKey(f" {key}{comment}")
    assert (parsed, parsed.fingerprint) == (key, FINGERPRINTS[key])


PRIVATE = [
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUSECRET\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAABG5vbmUSECRET -----END OPENSSH PRIVATE KEY-----",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUSECRET",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEASECRET\n-----END RSA PRIVATE KEY-----",
    "-----begin encrypted private key-----\nSECRET",
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\nSECRET",
    f"{ED25519} -----BEGIN EC PRIVATE KEY----- SECRET",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_a_private_key_is_refused_as_one(text: str) -> None:
    message, hint = _why(text)
    assert message == "this is a private key, which nobody but its owner may have"
    assert "its owner makes a new pair" in hint
    assert "SECRET" not in message + hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no SSH key: it is blank"),
        ("ssh-ed25519", "this is no SSH key: nothing follows ssh-ed25519"),
        ("MIIEowIBAAKCAQEASECRET", "this is no SSH key of a type that AWS Transfer Family takes: ssh-ed25519, "),
        (f"{ED25519}\n{ssh_keys.OTHER}", "this is no SSH key: it has several lines"),
        (f'command="/bin/sh" {ED25519}', "options stand before the SSH key, which mean nothing to AWS Transfer Family"),
        (f"from=10.0.0.0/8,no-pty {RSA_2048}", "options stand before the SSH key"),
        (f"meridian {ED25519}", "options stand before the SSH key"),
        (ssh_keys.DSA, "this is a DSA key, which nobody should use any more"),
        ("sk-ssh-ed25519@openssh.com AAAA", "this is a key of a security key, which AWS Transfer Family does not take"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "this is a certificate, which AWS Transfer Family does not take"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "this is a public key in another form than OpenSSH's"),
        ("-----BEGIN PUBLIC KEY-----\nMIIB", "this is a public key in another form than OpenSSH's"),
        ("SSH-ED25519 AAAA", "this is no SSH key of a type that AWS Transfer Family takes"),
        (ED25519[:-1], "this is no SSH key: its Base64 is damaged"),
        (f"{ED25519}=", "this is no SSH key: its Base64 is damaged"),
        (ED25519.replace("/", "_"), "this is no SSH key: its Base64 is damaged"),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), "the SSH key is not of the type that stands before it, ssh-rsa"),
        (ECDSA_256.replace("p256 ", "p384 "), "the SSH key is not of the type that stands before it"),
        (ED25519[:-4], "the SSH key is not of the type that stands before it"),
        (_line("ssh-ed25519", b"ssh-ed25519", b"x" * 31), "this is no SSH key: it is damaged"),
        (_line("ssh-ed25519", b"ssh-ed25519", b"x" * 32, b""), "this is no SSH key: it is damaged"),
        (
            _line("ssh-ed25519", b"ssh-ed25519", b"x" * 32, after=b"\0"),
            "the SSH key is not of the type that stands before it",
        ),
        (
            _line("ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256", b"nistp384", b"\x04" * 65),
            "this is no SSH key: it is damaged",
        ),
        (
            _line("ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256", b"nistp256", b"\x02" * 65),
            "this is no SSH key: it is damaged",
        ),
        (
            _line("ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256", b"nistp256", b"\x04" * 33),
            "this is no SSH key: it is damaged",
        ),
        (ssh_keys.RSA_1024, "the RSA key has 1,024 bits; 2,048 to 4,096 are taken"),
        (_rsa(2047), "the RSA key has 2,047 bits"),
        (_rsa(4097), "the RSA key has 4,097 bits"),
        (_rsa(2048, exponent=1), "this is no SSH key: it is damaged"),
        (_rsa(2048, exponent=65536), "this is no SSH key: it is damaged"),
        (_line("ssh-rsa", b"ssh-rsa", _number(65537), b"\0\0" + b"\x7f" * 256), "this is no SSH key: it is damaged"),
        (_line("ssh-rsa", b"ssh-rsa", _number(65537), b"\xff" * 256), "this is no SSH key: it is damaged"),
        (_line("ssh-rsa", b"ssh-rsa", b"", _number(2**2048 - 1)), "this is no SSH key: it is damaged"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason_and_the_next_step(text: str, message: str) -> None:
    said, hint = _why(text)
    assert said.startswith(message)
    assert "ssh-keygen" in hint
    assert not [word for word in text.split() if len(word) > 20 and word in said + hint], "what was pasted"


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_rsa_keys_of_a_good_length_are_taken(bits: int) -> None:
    assert SshPublicKey(f"{_rsa(bits)} x") == _rsa(bits)


@given(st.text() | st.builds("{} {}".format, st.sampled_from(["ssh-ed25519", "ssh-rsa"]), st.text()))
def test_whatever_is_pasted_it_is_a_key_or_refused(text: str) -> None:
    try:
        key = SshPublicKey(text)
    except InvalidNameError as error:
        said = (str(error), error.hint)
    else:
        said = ("a key", SshPublicKey(key))
    assert all(said)


@given(st.integers(0, 50), st.binary(min_size=1, max_size=4))
def test_a_damaged_key_is_another_key_or_none(place: int, damage: bytes) -> None:
    blob = base64.b64decode(ED25519.split()[1])
    other = blob[:place] + damage + blob[place + len(damage) :]
    try:
        key = SshPublicKey(f"ssh-ed25519 {base64.b64encode(other).decode()}")
    except InvalidNameError:
        return
    assert (key == ED25519) == (other == blob)
    assert other[:19] == blob[:19]
