"""A token file, and the reader whose role the token fits: what is wrong is said early, the token never."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_exports.cli.app import main
from data_exports.errors import AwsError, RefusedError, UsageError
from data_exports.operate.probe.pull import probe_as_reader
from data_exports.operate.probe.web_token import MOST_CHARACTERS, WebToken, read_web_token, reader_of_token
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    READERS_OUTSIDE_AWS,
    WORKFLOW_READER,
    estate_of,
    pull,
)
from tests.unit.estate.written import PULL, write_estate

NOW = datetime(2031, 3, 31, 9, 30, tzinfo=UTC)
LISTS = pull("lists", outsiders=(), identities=READERS_OUTSIDE_AWS)
SIGNATURE = "c2lnbmF0dXJl"
RIGHT: dict[str, Any] = {
    "iss": CLUSTER_READER.issuer,
    "sub": CLUSTER_READER.subject,
    "aud": ["sts.amazonaws.com"],
    "exp": int(NOW.timestamp()) + 600,
}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(**claims: Any) -> str:
    told = {name: value for name, value in {**RIGHT, **claims}.items() if value is not None}
    return f"{part({'alg': 'RS256'})}.{part(told)}.{SIGNATURE}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token.jwt"


def token(file: Path, **claims: Any) -> WebToken:
    file.write_text(jwt(**claims))
    return read_web_token(file)


def test_a_token_is_read_with_or_without_an_end_of_line(file: Path) -> None:
    for end in ("", "\n", "\r\n"):
        file.write_text(jwt() + end)
        found = read_web_token(file)
        assert (found.text, found.issuer, found.subject) == (jwt(), RIGHT["iss"], RIGHT["sub"])
        assert (found.audiences, found.expires) == (("sts.amazonaws.com",), NOW + timedelta(minutes=10))
    assert SIGNATURE not in repr(found)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("ya29.a0AfB", "it holds no token that is a JWT"),
        ("-----BEGIN PRIVATE KEY-----", "it holds no token that is a JWT"),
        ("a.b.c", "it holds no token that is a JWT"),
        ("e30.e30.", "it holds no token that is a JWT"),
        ("e30.W10.x", "it holds no token that is a JWT"),
        (f"e30.{part({})}.x.y.z", "it holds no token that is a JWT"),
        (f"e30.{part([[]])}.é", "it holds no token that is a JWT"),
        ("[" * 9000 + ".e30.x", "it holds no token that is a JWT"),
        ("x" * (MOST_CHARACTERS + 1), "it is longer than AWS takes: 20,000 characters"),
        (jwt(aud=None), "the token has no aud that AWS can use"),
        (jwt(aud=[]), "the token has no aud that AWS can use"),
        (jwt(aud=[1]), "the token has no aud that AWS can use"),
        (jwt(iss=7), "the token has no iss that AWS can use"),
        (jwt(sub=""), "the token has no sub that AWS can use"),
        (jwt(exp=None), "the token has no exp that AWS can use"),
        (jwt(exp="soon"), "the token has no exp that AWS can use"),
        (jwt(exp=1e300), "the token has no exp that AWS can use"),
    ],
)
def test_a_file_that_holds_no_token_is_a_usage_error(file: Path, content: str, said: str) -> None:
    file.write_text(content)
    with pytest.raises(UsageError) as stopped:
        read_web_token(file)
    assert (stopped.value.what, stopped.value.where) == (said, f"--token-file {file}")
    assert stopped.value.next_step
    assert content.strip()[:40] not in str(stopped.value) or not content.strip()


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file or directory")):
        with pytest.raises(UsageError, match=f"it cannot be read: {said}"):
            read_web_token(path)
    with pytest.raises(UsageError, match="it cannot be read: is no path"):
        read_web_token(Path("a\0b"))


def test_each_reader_is_known_by_its_token(file: Path) -> None:
    for reader in READERS_OUTSIDE_AWS:
        is_google = reader.issuer == GOOGLE_READER.issuer
        claims = {"iss": reader.issuer, "sub": reader.subject, "aud": reader.audience or "anything"}
        found = token(file, **claims, azp=reader.subject if is_google else None)
        assert reader_of_token(LISTS, found, NOW) == reader


@pytest.mark.parametrize(
    ("claims", "said", "next_step"),
    [
        (
            {"iss": "https://elsewhere.example.org"},
            'lists names nobody whose tokens "https://elsewhere.example.org" issues',
            "get a token of one of these, to the letter: https://accounts.google.com, ",
        ),
        (
            {"sub": "system:serviceaccount:reports:other"},
            'the token is of "system:serviceaccount:reports:other", whom lists does not name',
            'get one of whom it names of this issuer: "system:serviceaccount:reports:loader"; or declare',
        ),
        (
            {"aud": ["other", "more"]},
            'the token has another audience (aud) than lists names: "other", "more"',
            'ask its issuer for one whose aud is "sts.amazonaws.com"',
        ),
        (
            {"iss": GOOGLE_READER.issuer, "sub": GOOGLE_READER.subject, "azp": GOOGLE_READER.subject, "aud": "x"},
            'the token has another audience (aud) than lists names: "x"',
            'ask its issuer for one whose aud is "https://exports.example.gov.uk"',
        ),
        (
            {"iss": AZURE_READER.issuer, "sub": AZURE_READER.subject, "azp": "app", "aud": "api://exports"},
            'the token has another audience (azp) than lists names: "app"',
            'ask its issuer for one whose azp is "api://exports"',
        ),
        (
            {"exp": int(NOW.timestamp()) - 720},
            "the token has expired 12 min ago, at 2031-03-31 09:18:00, by the clock of this machine",
            "get a new one",
        ),
        (
            {"iss": "https://x\x1b[31m"},
            'lists names nobody whose tokens "https://x\\x1b[31m" issues',
            "get a token of one of these, to the letter: ",
        ),
    ],
)
def test_a_token_that_fits_nobody_is_refused_with_what_would_fit(
    file: Path, claims: dict[str, Any], said: str, next_step: str
) -> None:
    found = token(file, **claims)
    with pytest.raises(RefusedError) as stopped:
        reader_of_token(LISTS, found, NOW)
    assert stopped.value.what == said
    assert stopped.value.next_step.startswith(next_step)
    assert found.text not in str(stopped.value)


def test_a_dataset_without_such_readers_takes_no_token(file: Path) -> None:
    with pytest.raises(RefusedError, match="court_lists has no readers with tokens"):
        reader_of_token(pull(), token(file), NOW)


@pytest.mark.parametrize(
    ("code", "message", "side", "what"),
    [
        ("AccessDenied", "Not authorized", "ours", "our role is not there, or does not trust"),
        ("InvalidIdentityToken", "No OpenIDConnect provider found", "ours", "the account takes no tokens of"),
        ("InvalidIdentityToken", "Incorrect token audience", "ours", "the account takes no tokens of"),
        (
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider",
            "theirs",
            "AWS does not",
        ),
        ("InvalidIdentityToken", "The signature is invalid", "theirs", "AWS does not believe that"),
        ("IDPCommunicationError", "no answer", "theirs", "AWS cannot ask"),
        ("ExpiredTokenException", "Token expired", "theirs", "the token has expired, by AWS's clock"),
    ],
)
def test_what_sts_refuses_is_told_apart(file: Path, code: str, message: str, side: str, what: str) -> None:
    found = token(file)
    aws = AwsAnswers({"assume_role_with_web_identity": refusal(code, f"{message}: {found.text}")})
    probed = probe_as_reader(estate_of(LISTS), LISTS, aws, found, now=NOW)
    (lack,), (check,) = probed.lacks, probed.checks
    assert (lack.side.value, lack.what.startswith(what), check.answer.value) == (side, True, "lacking")
    assert message in check.detail
    assert SIGNATURE not in f"{probed}"
    (asked,) = aws.asked_for("assume_role_with_web_identity")
    assert asked["RoleArn"] == f"arn:aws:iam::593291632749:role/export_lists-pull-{CLUSTER_READER.short_id}"


def test_an_answer_that_is_none_about_the_token_stops_the_probe_and_does_not_repeat_it(file: Path) -> None:
    found = token(file)
    said = refusal("ValidationError", f"Value '{found.text}' at 'webIdentityToken' failed")
    with pytest.raises(AwsError, match="Value 'the token' at 'webIdentityToken' failed") as stopped:
        probe_as_reader(estate_of(LISTS), LISTS, AwsAnswers({"assume_role_with_web_identity": said}), found, now=NOW)
    assert SIGNATURE not in str(stopped.value)


def test_the_command_says_where_a_token_is_none_and_what_a_push_dataset_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    issuer, subject = WORKFLOW_READER.issuer, WORKFLOW_READER.subject
    identities = f"pull_identities:\n  - oidc: {{issuer: {issuer}, subject: '{subject}', audience: b}}\n"
    estate, file = write_estate(tmp_path, pull=PULL + identities), tmp_path / "token.jwt"
    for content, name, code, said in (
        ("", "tables", 2, f"error: --token-file {file}: it is empty\n  next: get a token"),
        (jwt(), "tables", 1, "error: tables names nobody whose tokens"),
        (jwt(), "orders", 2, "error: orders is a push dataset, which nobody reads"),
    ):
        file.write_text(content)
        assert main(["probe", name, "--token-file", str(file), "--estate", str(estate)]) == code
        out, err = capsys.readouterr()
        assert (out, said in err, SIGNATURE in err) == ("", True, False), err
