"""`exports new`: the file it writes passes `check`, and nothing is written or overwritten otherwise."""

import os
import sys
from pathlib import Path

import pytest

from data_exports.cli.app import main
from data_exports.destinations.kinds import OutsideDestination
from data_exports.estate.models import PullDataset
from data_exports.readers.kinds import AnyReader, reader_of
from tests import ssh_keys
from tests.envelopes import read_json
from tests.estates import AZURE_READER, READERS_OUTSIDE_AWS, TENANT, TRANSFER_READER, at_azure, at_google
from tests.terminal import CTRL_C, CTRL_D, OnTerminal, run_on_terminal
from tests.unit.estate.written import PLATFORM, PUSH, load, write_estate

EXPORTS = str(Path(sys.executable).parent / "exports")
PLAIN = {**os.environ, "NO_COLOR": "1"}
GIVEN = ["--target-bucket", "landing", "--user", "alpha_user_ana"]


def test_a_push_dataset_from_options(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*GIVEN, "--user", "alpha_user_No", "--target-account", "012345678901", "--keep-files"]
    words += ["--max-concurrency", "9", "--paperwork", "DPIA 7: signed", "--owner", "Courts", "--expires", "2035-03-31"]
    assert main(["new", "push", "court_lists", *words]) == 0
    assert capsys.readouterr() == (
        "push_datasets/court_lists.yaml\n",
        "next: look at the file, and open a pull request\n",
    )
    assert (estate / "push_datasets" / "court_lists.yaml").read_text(encoding="utf-8") == (
        "name: court_lists\n"
        "owner: Courts\n"
        "target_bucket: landing\n"
        'target_account: "012345678901"\n'
        "keep_files: true\n"
        "max_concurrency: 9\n"
        "users:\n"
        "  - alpha_user_ana\n"
        "  - alpha_user_No\n"
        'paperwork: "DPIA 7: signed"\n'
        "expires: 2035-03-31\n"
    )
    assert main(["check", "--strict"]) == 0
    assert main(["fmt", "push_datasets/court_lists.yaml", "--check"]) == 0


IN_AZURE = {
    "--azure-storage-account": "hjresearch",
    "--azure-container": "incoming",
    "--azure-tenant": "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394",
    "--azure-client": "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5",
}
AT_GOOGLE = {
    "--google-bucket": "hj-incoming",
    "--google-project-number": "1234567",
    "--google-provider": "projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports",
}


@pytest.mark.parametrize(("given", "there"), [(IN_AZURE, at_azure()), (AT_GOOGLE, at_google())])
def test_a_recipient_in_another_cloud_from_options(
    given: dict[str, str], there: OutsideDestination, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for pair in given.items() for word in pair]
    assert main(["new", "push", "elsewhere", *words, "--user", "alpha_user_ana", "--paperwork", "DPIA-7"]) == 0
    assert capsys.readouterr().err == "next: look at the file, and open a pull request\n"
    text = (estate / "push_datasets" / "elsewhere.yaml").read_text(encoding="utf-8")
    assert text.startswith(f"name: elsewhere\n{there.field}:\n  {next(iter(there.parts))}: ")
    assert next(push for push in load(estate).require().push_datasets if push.name == "elsewhere").destination == there
    assert main(["check", "--strict"]) == 0
    assert main(["fmt", "push_datasets/elsewhere.yaml", "--check"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--azure-container", "incoming"], 2, "missing: --azure-storage-account, --azure-tenant, --azure-client\n"),
        (["--google-service-account", "x@p.iam.gserviceaccount.com"], 2, "missing: --google-bucket, --google-project-"),
        (["--azure-tenant", "contoso"], 2, "--azure-tenant: what stands here is not a GUID\n  next: "),
        (["--google-bucket", "Hj"], 2, "--google-bucket: what stands here is not the name of a bucket of Google Cloud"),
        (
            ["--target-bucket", "landing", *(word for pair in IN_AZURE.items() for word in pair)],
            1,
            "files cannot go to both 'target_bucket' and 'target_azure'",
        ),
        (
            [word for pair in (IN_AZURE | AT_GOOGLE).items() for word in pair],
            1,
            "files cannot go to both 'target_azure' and 'target_google'",
        ),
        ([], 2, "or those of a recipient in Azure (--azure-…) or at Google (--google-…) in place of --target-bucket"),
    ],
)
def test_what_is_not_one_recipient_and_whole_is_refused(
    words: list[str], code: int, said: str, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "push", "elsewhere", *words, "--user", "alpha_user_ana"]) == code
    assert said in capsys.readouterr().err
    assert not (estate / "push_datasets" / "elsewhere.yaml").exists()


def test_a_pull_dataset_from_options(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arns = [f"arn:aws:iam::754256621582:role/{name}" for name in ("reader", "second")]
    words = [word for arn in arns for word in ("--pull-arn", arn)]
    words += ["--user", "alpha_user_ana", "--allow-push", "--paperwork", "DPIA-8", "--paperwork", "Agreement 9"]
    assert main(["new", "pull", "more_tables", *words, "--json"]) == 0
    assert read_json(capsys.readouterr().out) == {
        "schema": "data-exports/new/1",
        "path": "pull_datasets/more_tables.yaml",
        "warnings": [],
    }
    assert (estate / "pull_datasets" / "more_tables.yaml").read_text(encoding="utf-8") == (
        "name: more_tables\n"
        f"pull_arns:\n  - {arns[0]}\n  - {arns[1]}\n"
        "users:\n  - alpha_user_ana\n"
        "allow_push: true\n"
        "paperwork:\n  - DPIA-8\n  - Agreement 9\n"
    )


OTHER_AZURE_READER = reader_of(
    {
        "azure": {
            "tenant": TENANT,
            "object": "7a2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5",
            "audience": "5c2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5",
            "version": "2",
        }
    }
)
BY_A_USER = ["--user", "alpha_user_ana", "--paperwork", "DPIA-7"]


def _options_of(*readers: AnyReader) -> list[str]:
    """Every part of these readers as it is written in the documentation, without what is left to its default."""
    of_all = [
        (kind, name, value)
        for reader in readers
        for kind, parts in reader.declaration.items()
        for name, value in parts.items()
        if value != "1"
    ]
    return [word for kind, name, value in of_all for word in (f"--{kind}-{name}".replace("_", "-"), value)]


def _pull_of(estate: Path, name: str) -> PullDataset:
    (found,) = (pull for pull in load(estate).require().pull_datasets if pull.name == name)
    return found


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS, ids=lambda reader: reader.kind)
def test_a_reader_with_tokens_from_options(reader: AnyReader, estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "pull", "elsewhere", *_options_of(reader), *BY_A_USER]) == 0
    assert capsys.readouterr().err == "next: look at the file, and open a pull request\n"
    text = (estate / "pull_datasets" / "elsewhere.yaml").read_text(encoding="utf-8")
    part = next(iter(reader.parts))
    assert text.startswith(f"name: elsewhere\npull_identities:\n  - {reader.kind}:\n      {part}: ")
    pull = _pull_of(estate, "elsewhere")
    assert (pull.identities, pull.outsiders, pull.sftp_readers) == ((reader,), (), ())
    assert main(["check", "--strict"]) == 0
    assert main(["fmt", "pull_datasets/elsewhere.yaml", "--check"]) == 0


def test_a_reader_by_sftp_from_options_may_have_several_keys(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--sftp-name", "meridian", "--sftp-key", f"{ssh_keys.ED25519} theirs", "--sftp-key", ssh_keys.OTHER]
    assert main(["new", "pull", "elsewhere", *words, *BY_A_USER]) == 1
    assert "`sftp: true`" in capsys.readouterr().err
    write_estate(estate, platform=f"{PLATFORM}  sftp: true\n")
    assert main(["new", "pull", "elsewhere", *words, *BY_A_USER]) == 0
    assert (estate / "pull_datasets" / "elsewhere.yaml").read_text(encoding="utf-8") == (
        "name: elsewhere\n"
        "sftp_readers:\n"
        "  - name: meridian\n"
        f"    keys:\n      - {ssh_keys.ED25519} theirs\n      - {ssh_keys.OTHER}\n"
        "users:\n  - alpha_user_ana\n"
        "paperwork: DPIA-7\n"
    )
    assert main(["check", "--strict"]) == 0


def test_several_readers_of_one_kind_and_of_others_from_options(estate: Path) -> None:
    write_estate(estate, platform=f"{PLATFORM}  sftp: true\n")
    transfers = [reader_of({"google_transfer": {"subject": f"10432095874628391057{last}"}}) for last in "67"]
    arn = "arn:aws:iam::754256621582:role/second"
    sftp = ["--sftp-name", "first", "--sftp-name", "second"]
    sftp += ["--sftp-key", ssh_keys.ED25519, "--sftp-key", ssh_keys.OTHER]
    words = [*_options_of(*transfers), "--pull-arn", arn, *sftp, *_options_of(AZURE_READER)]
    assert main(["new", "pull", "elsewhere", *words, *BY_A_USER]) == 0
    pull = _pull_of(estate, "elsewhere")
    assert pull.identities == (*transfers, AZURE_READER)
    assert pull.outsiders == (arn,)
    assert [(reader.name, reader.keys) for reader in pull.sftp_readers] == [
        ("first", (ssh_keys.ED25519,)),
        ("second", (ssh_keys.OTHER,)),
    ]


SECRET = "abc8Q~" + "x" * 34
TWO_NAMES = ["--sftp-name", "first", "--sftp-name", "second"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "missing: --pull-arn\n  next: give these options, or those of a reader with tokens (--google-…, "),
        (["--azure-tenant", TENANT], 2, "missing: --azure-object, --azure-audience\n"),
        (["--azure-version", "2"], 2, "missing: --azure-tenant, --azure-object, --azure-audience\n"),
        (["--sftp-key", ssh_keys.ED25519], 2, "missing: --sftp-name\n"),
        (
            [*_options_of(AZURE_READER, OTHER_AZURE_READER)],
            2,
            "equally often: --azure-tenant 2, --azure-object 2, --azure-audience 2, --azure-version 1\n  next: give",
        ),
        ([*TWO_NAMES, "--sftp-key", ssh_keys.ED25519], 2, "equally often: --sftp-name 2, --sftp-key 1\n"),
        (["--azure-object", "*"], 2, "--azure-object: '*' lets in everybody who fits a pattern\n"),
        (["--azure-version", "3"], 2, "--azure-version: '3' is not a version of Microsoft's tokens\n"),
        (["--oidc-issuer", "https://accounts.google.com"], 2, "next: write this reader as `google`\n"),
        (["--kubernetes-namespace", "Re"], 2, "--kubernetes-namespace: 'Re' is not a namespace of Kubernetes\n"),
        (["--google-unique-id", "x@p.iam.gserviceaccount.com"], 2, "service-accounts describe x@p.iam.gserviceaccount"),
        (["--sftp-name", "root"], 2, "--sftp-name: 'root' is not a name to log in with by SFTP\n"),
        (["--sftp-key", "meridian.pub"], 2, "--sftp-key: this is no SSH key of a type that AWS Transfer Family takes"),
        (
            ["--sftp-key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz"],
            2,
            "--sftp-key: this is a private key, which nobody but its owner may have\n  next: no export needs one.",
        ),
        (["--azure-audience", SECRET], 2, "--azure-audience: this is a secret of an application of Entra"),
        (
            [*_options_of(AZURE_READER), "--azure-version", "2"],
            2,
            "'api://exports' is not the audience of tokens of version 2: that is a GUID: write the client id",
        ),
        ([*_options_of(TRANSFER_READER, TRANSFER_READER)], 1, "this estate cannot take the file"),
    ],
)
def test_what_is_not_whole_readers_is_refused(
    words: list[str], code: int, said: str, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "pull", "elsewhere", *words, "--user", "alpha_user_ana"]) == code
    told = capsys.readouterr().err
    assert said in told
    assert not any(held in told for held in ("b3Blbn", SECRET[:12]))
    assert not (estate / "pull_datasets" / "elsewhere.yaml").exists()


def test_what_should_be_looked_at_is_said(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "push", "more", *GIVEN]) == 0
    warnings = [line.split(":")[1].strip() for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warnings == ["no paperwork is named", "the account of the target bucket is not named"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["more"], 2, "error: missing: --target-bucket, --user\n"),
        (["My Orders", *GIVEN], 2, "error: 'My Orders' is not a dataset name\n  next: did you mean 'my_orders'?"),
        (
            ["court\u2013lists", *GIVEN],
            2,
            "next: write 'court-lists' with the keyboard's hyphen: here stands U+2013 EN DASH",
        ),
        (["more", "--target-bucket", "land\u2011ing", "--user", "alpha_user_ana"], 2, "write 'land-ing' with the"),
        (["more", "--target-bucket", "landing", "--user", "alpha_user_ana\u2212maria"], 2, "U+2212 MINUS SIGN"),
        (["more", *GIVEN, "--expires", "2035\u201303\u201331"], 2, "write '2035-03-31' with the keyboard's hyphen"),
        (["more", *GIVEN, "--expires", "2035\u201313\u201331"], 2, "write the last day of access as YYYY-MM-DD"),
        (["../x", *GIVEN], 2, "error: '../x' is not a dataset name\n"),
        (["a", *GIVEN], 1, "error: {}/push_datasets/a.yaml: there is such a file already\n"),
        (["orders", *GIVEN], 1, "the name 'orders' is taken by push_datasets/a.yaml:1"),
        (["or-ders", *GIVEN], 0, ""),
        (["more", "--target-bucket", "mojap-hub-exports", "--user", "alpha_user_ana"], 1, "is the hub itself"),
        (["more", "--target-bucket", "landing", "--user", "restricted-admin"], 1, "is not a role that this platform"),
        (["more", *GIVEN, "--target-account", "1234"], 2, "'1234' is not an AWS account id"),
        (["more", *GIVEN, "--expires", "soon"], 2, "'soon' is not a date to end on"),
        (["more", *GIVEN, "--owner", "a\x1b[2Jb"], 2, "U+001B"),
        (["more", *GIVEN, "--expires", "2020-02-29"], 2, "error: --expires: access ended on 2020-02-29"),
        (["more", *GIVEN, "--paperwork", "DPIA-1", "--paperwork", "TBD"], 2, "--paperwork: 'TBD' is no paperwork yet"),
        (["more", *GIVEN, "--owner", "x: &a *b #c"], 0, ""),
    ],
)
def test_nothing_is_written_unless_it_passes(
    words: list[str], code: int, said: str, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in estate.rglob("*") if path.is_file()}
    assert main(["new", "push", *words]) == code
    assert said.format(estate) in capsys.readouterr().err
    after = {path: path.read_bytes() for path in estate.rglob("*") if path.is_file()}
    assert (after == before) == (code != 0)
    assert load(estate).errors == ()


def test_errors_that_were_there_before_do_not_stand_in_the_way(estate: Path) -> None:
    write_estate(estate, push=PUSH.replace("orders", "Orders!", 1))
    assert main(["new", "push", "more", *GIVEN]) == 0
    assert (estate / "push_datasets" / "more.yaml").is_file()


def test_a_name_that_differs_from_a_file_in_case_only_is_refused(
    estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "push_datasets" / "a.yaml").rename(estate / "push_datasets" / "MORE.yaml")
    assert main(["new", "push", "more", *GIVEN]) == 1
    assert "its name and 'MORE.yaml' are one on macOS and Windows" in capsys.readouterr().err


def test_a_folder_that_is_missing_is_made(estate: Path) -> None:
    (estate / "pull_datasets" / "b.yaml").unlink()
    (estate / "pull_datasets").rmdir()
    arn = "arn:aws:iam::754256621582:role/reader"
    assert main(["new", "pull", "more", "--pull-arn", arn, "--user", "alpha_user_ana"]) == 0
    assert load(estate).errors == ()


def _asked(estate: Path, dialogue: list[tuple[str, str]], *words: str) -> OnTerminal:
    questions = [(f"  {question}: ", answer) for question, answer in dialogue]
    return run_on_terminal([EXPORTS, *words], env=PLAIN, cwd=estate, dialogue=questions)


def test_on_a_terminal_it_asks_until_an_answer_is_right(estate: Path) -> None:
    dialogue = [
        ("description", "Orders of the day"),
        ("owner", ""),
        ("target_bucket", "s3://landing/in"),
        ("target_bucket", "landing"),
        ("target_account", "1234"),
        ("target_account", "1"),
        ("target_kms_key", ""),
        ("keep_files (y/N)", "alpha_user_ana"),
        ("keep_files (y/N)", "n"),
        ("users (one at a time)", ""),
        ("users (one at a time)", "restricted-admin"),
        ("users (one at a time)", "1"),
        ("users (another, or Enter)", ""),
        ("paperwork (one at a time)", "to be confirmed"),
        ("paperwork (one at a time)", "DPIA-3"),
        ("paperwork (another, or Enter)", ""),
        ("expires", "2020-02-29"),
        ("expires", "2035\N{EN DASH}02-28"),
        ("expires", ""),
    ]
    done = _asked(estate, dialogue, "new", "push", "daily")
    assert done.code == 0, done.shown
    for said in (
        "write the bucket's name alone: landing",
        "known, to be chosen by number: 1 orders-landing\r\n",
        "it must be 12 digits: write all 12 digits, such as 012345678901\r\n",
        "known, to be chosen by number: 1 754256621582\r\n",
        "'alpha_user_ana' is neither yes nor no: type y or n, or Enter for no\r\n",
        "is not a role that this platform",
        "known, to be chosen by number: 1 alpha_user_ana\r\n",
        "'to be confirmed' is no paperwork yet: write the link or reference of the assessment or agreement",
        "access ended on 2020-02-29; nobody can use this dataset: write the last day of access, which is to come\r\n",
        "write '2035-02-28' with the keyboard's hyphen",
    ):
        assert said in done.shown
    assert "quote" not in done.shown
    assert (estate / "push_datasets" / "daily.yaml").read_text(encoding="utf-8") == (
        "name: daily\n"
        "description: Orders of the day\n"
        "target_bucket: landing\n"
        'target_account: "754256621582"\n'
        "users:\n  - alpha_user_ana\n"
        "paperwork: DPIA-3\n"
    )


@pytest.mark.parametrize("end", [CTRL_C, CTRL_D])
def test_ctrl_c_while_it_asks_leaves_everything_as_it_is(end: str, estate: Path) -> None:
    dialogue = [("description", "a description"), ("owner", end)]
    done = _asked(estate, dialogue, "new", "push", "daily")
    assert done.code == 130
    assert done.shown.endswith("  owner: \r\nerror: interrupted\r\n")
    assert [path.name for path in (estate / "push_datasets").iterdir()] == ["a.yaml"]


def test_on_a_terminal_only_what_lacks_of_the_recipient_in_another_cloud_is_asked_for(estate: Path) -> None:
    dialogue = [
        ("description", ""),
        ("owner", ""),
        ("azure_tenant", "contoso"),
        ("azure_tenant", IN_AZURE["--azure-tenant"]),
        ("azure_client", IN_AZURE["--azure-client"]),
        ("keep_files (y/N)", ""),
        ("users (one at a time)", "1"),
        ("users (another, or Enter)", ""),
        ("paperwork (one at a time)", ""),
        ("expires", ""),
    ]
    given = [word for name in ("--azure-storage-account", "--azure-container") for word in (name, IN_AZURE[name])]
    done = _asked(estate, dialogue, "new", "push", "elsewhere", *given)
    assert done.code == 0, done.shown
    assert "what stands here is not a GUID" in done.shown
    (push,) = (push for push in load(estate).require().push_datasets if push.name == "elsewhere")
    assert push.destination == at_azure()


def test_on_a_terminal_what_a_begun_reader_lacks_is_asked_for_and_what_others_have_is_offered(estate: Path) -> None:
    assert main(["new", "pull", "before", *_options_of(AZURE_READER), *BY_A_USER]) == 0
    dialogue = [
        ("description", ""),
        ("owner", ""),
        ("pull_arns (one at a time)", ""),
        ("azure_object (1 of 2)", "everybody"),
        ("azure_object (1 of 2)", "1"),
        ("azure_object (2 of 2)", "7a2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5"),
        ("azure_audience (1 of 2)", "1"),
        ("azure_audience (2 of 2)", "api://other"),
        ("azure_version (1 of 2)", ""),
        ("allow_push (y/N)", ""),
        ("bucket_versioning (y/N)", ""),
        ("paperwork (one at a time)", ""),
        ("expires", ""),
    ]
    words = ["--azure-tenant", TENANT, "--azure-tenant", TENANT, "--user", "alpha_user_ana"]
    done = _asked(estate, dialogue, "new", "pull", "elsewhere", *words)
    assert done.code == 0, done.shown
    assert "'everybody' is not a GUID" in done.shown
    assert "known, to be chosen by number: 1 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5\r\n" in done.shown
    other = {"tenant": TENANT, "object": "7a2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5", "audience": "api://other"}
    assert _pull_of(estate, "elsewhere").identities == (AZURE_READER, reader_of({"azure": other}))


@pytest.mark.parametrize(
    ("kind", "question", "said"),
    [
        ("push", "target_bucket", "(By options of `exports new` instead: a recipient in Azure (--azure-"),
        ("pull", "pull_arns (one at a time)", "(By options of `exports new` instead: a reader with tokens (--google-"),
    ],
)
def test_on_a_terminal_it_says_how_to_name_others_than_those_of_aws(
    kind: str, question: str, said: str, estate: Path
) -> None:
    dialogue = [("description", ""), ("owner", ""), (question, CTRL_C)]
    done = _asked(estate, dialogue, "new", kind, "elsewhere")
    assert (done.code, said in done.shown) == (130, True), done.shown
