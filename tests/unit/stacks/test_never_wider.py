"""Whatever is in the files: what is deployed lets nobody do more than the files say, read by somebody else's eyes.

Good files are mutated at random. Where they still load, every statement in every template is held against the oracle
(`access_oracle`), which reads the same files with another YAML reader and shares nothing with the product. That the
oracle sees what is wider is tried with files that declare less, and with templates that are changed.
"""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.access.sizes import with_sizes_checked
from data_exports.estate.models import Estate
from tests import ssh_keys
from tests.unit.estate.written import PLATFORM, PULL, PUSH, load, write_estate
from tests.unit.stacks.access_oracle import check_no_wider

TENANT = "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394"
IN_AZURE = f"""\
name: in_azure
target_azure:
  storage_account: hjresearch
  container: incoming
  tenant: {TENANT}
  client: 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
users: [alpha_user_ana]
expires: 2035-03-31
"""
AT_GOOGLE = """\
name: at_google
target_google:
  bucket: hj-incoming
  project_number: "1234567"
  provider: projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports
  service_account: exporter@hj-research.iam.gserviceaccount.com
keep_files: true
users: [alpha_user_ana]
"""
AT_GOOGLE_TARGET = AT_GOOGLE[AT_GOOGLE.index("target") : AT_GOOGLE.index("keep_files")]
OUTSIDE = f"""\
name: rolls
expires: 2034-06-30
pull_identities:
  - google:
      service_account: reader@reports.iam.gserviceaccount.com
      unique_id: "117203498723049872304"
      audience: https://exports.example.gov.uk
  - google_transfer: {{subject: "104320958746283910576"}}
  - azure: {{tenant: {TENANT.upper()}, object: 8F2C11AA-6d4e-4b0f-8a57-90c1d2e3f4a5, audience: "api://exports"}}
  - azure:
      tenant: 2c9e6a52-0f3d-4c57-9d0e-2f6b7a81c394
      object: 9f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
      audience: 7A2C11AA-6d4e-4b0f-8a57-90c1d2e3f4a5
      version: 2
  - kubernetes:
      issuer: https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF
      namespace: reports
      service_account: loader
      audience: sts.amazonaws.com
  - oidc:
      issuer: https://token.actions.githubusercontent.com
      subject: repo:example/reports:environment:prod
      audience: sts.amazonaws.com
users: [alpha_user_ana]
"""
BY_SFTP = f"""\
name: lists_by_sftp
allow_push: true
sftp_readers:
  - name: meridian
    keys:
      - {ssh_keys.ED25519} theirs
      - {ssh_keys.OTHER}
users: [alpha_user_ana]
expires: 2034-01-01
"""
FILES = {
    "exports.yaml": PLATFORM + '  accounts: {"318604275917": Prison Population Forecasting}\n  sftp: true\n',
    "push_datasets/a.yaml": PUSH + "expires: 2035-03-31\nkeep_files: false\n",
    "push_datasets/orders.yaml": PUSH.replace("name: orders", "name: orders_private"),
    "push_datasets/azure.yaml": IN_AZURE,
    "push_datasets/google.yaml": AT_GOOGLE,
    "pull_datasets/b.yaml": PULL + "allow_push: [False]\n",
    "pull_datasets/c.yaml": PULL.replace("tables", "tables_more") + "allow_push: true\nexpires: 2034-01-01\n",
    "pull_datasets/outside.yaml": OUTSIDE,
    "pull_datasets/sftp.yaml": BY_SFTP,
}
TEXTS = (
    "*",
    "?",
    "${aws:username}",
    "orders",
    "orders_private",
    "tables",
    "true",
    "[True]",
    "[False]",
    "'*'",
    "/",
    "../",
)
ROLES = ("alpha_user_*", "alpha_user_ana", "restricted-admin", "role/*", "user/eve", "arn:aws:iam::754256621582:root")
OTHERS = ("arn:aws:iam::318604275917:root", "mojap-hub-exports", "arn:aws:s3:::", "2040-01-01", "-", "null", "é")
LINES = ("expires: 2040-01-01\n", "allow_push: true\n", "allow_push: [True]\n", "bucket: other\n", "name: x\n")
MARKS = ("\n", "  ", "- ", "#", "&a ", "*a", "<<: ", "!!str ", "|", "---\n", "\u202e", "\x00", '"', "[", "{", ",")
OUTSIDERS = (
    "  - oidc: {issuer: https://token.example, subject: main, audience: us}\n",
    "      version: 2\n",
    "  - name: eve\n",
    "target_azure: ",
    "https://token.example/",
    "api://other",
    "104320958746283910577",
)
PIECES = st.sampled_from([*OUTSIDERS, *TEXTS, *ROLES, *OTHERS, *LINES, "users: [alpha_user_eve]\n", *MARKS])

LINE = re.compile("( *(?:- )?([a-z_]+): *)(.+)\n")
OF_FIELDS = {
    "allow_push": ("true", "false", "[True]"),
    "audience": ("api://other", "sts.amazonaws.com", "5c2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5"),
    "expires": ("2040-01-01", "2033-12-31"),
    "keep_files": ("true", "false"),
    "name": ("orders", "orders_", "orders-x", "o", "northgate"),
    "object": ("8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a6",),
    "pull_arns": ("[arn:aws:iam::754256621582:role/*]", "[arn:aws:iam::318604275917:root]", "[arn:aws:iam::1:user/x]"),
    "subject": ("repo:example/reports:*", "repo:example/reports:ref:refs/heads/main", '"104320958746283910577"'),
    "target_bucket": ("mojap-hub-exports-log", "mojap-tables", "hj-incoming"),
    "users": ("[alpha_user_eve, alpha_user_ana]", "[alpha_user_*]", "[alpha_user_eve]", "[restricted-admin]"),
    "version": ("1", "2"),
}
"""What else may stand in some fields, besides what stands there in another file."""


@st.composite
def another_value(draw: st.DrawFn, line: str) -> str:
    """The line with a value of its field, maybe its own: a slip before may have made a field that no file has."""
    found = LINE.fullmatch(line)
    if not found:
        return line
    elsewhere = {each[3] for text in FILES.values() for each in LINE.finditer(text) if each[2] == found[2]}
    return f"{found[1]}{draw(st.sampled_from(sorted({found[3], *elsewhere, *OF_FIELDS.get(found[2], ())})))}\n"


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, str]:
    """The files, some of them with a few random slips."""
    files = dict(FILES)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(files)))
        lines = files[name].splitlines(keepends=True) or [""]
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["value"] * 8 + ["drop", "double", "take", "piece", "swap", "indent"])):
            case "value":
                lines[at] = draw(another_value(lines[at]))
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "take":  # a line of another file
                other = files[draw(st.sampled_from(sorted(files)))].splitlines(keepends=True) or [""]
                lines.insert(at, draw(st.sampled_from(other)))
            case "swap":
                lines.insert(0, lines.pop(at))
            case "indent":
                lines[at] = " " * draw(st.integers(1, 4)) + lines[at]
            case _:
                start = draw(st.integers(0, len(lines[at])))
                end = draw(st.integers(start, min(len(lines[at]), start + draw(st.sampled_from([0, 1, 8])))))
                lines[at] = lines[at][:start] + draw(PIECES) + lines[at][end:]
        files[name] = "".join(lines)
    return files


def _loaded(folder: Path, files: dict[str, str]) -> Estate | None:
    write_estate(folder)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(errors="surrogatepass"))
    return with_sizes_checked(load(folder)).estate


@given(mutated())
def test_mutated_files_give_findings_or_no_wider_access_than_they_declare(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        estate = _loaded(Path(folder), files)
    if estate is not None:
        check_no_wider(files, estate)


def test_the_good_files_load_and_pass_so_that_the_mutations_are_of_something(tmp_path: Path) -> None:
    estate = _loaded(tmp_path, FILES)
    assert estate is not None
    check_no_wider(FILES, estate)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("push_datasets/a.yaml", "name: orders", "name: orders_other"),
        ("push_datasets/a.yaml", "expires: 2035-03-31", "expires: 2034-03-31"),
        ("push_datasets/a.yaml", "[alpha_user_ana]", "[alpha_user_ben]"),
        ("push_datasets/a.yaml", "orders-landing", "other-landing"),
        ("pull_datasets/c.yaml", "allow_push: true", "allow_push: false"),
        ("pull_datasets/c.yaml", "role/reader", "role/other"),
        ("push_datasets/azure.yaml", "in_azure", "in_azure_too"),
        ("push_datasets/azure.yaml", "expires: 2035-03-31", "expires: 2035-03-30"),
        ("push_datasets/azure.yaml", IN_AZURE[IN_AZURE.index("target") : IN_AZURE.index("users")], AT_GOOGLE_TARGET),
        ("push_datasets/google.yaml", "providers/exports", "providers/other"),
        ("push_datasets/google.yaml", "keep_files: true", "keep_files: false"),
        ("pull_datasets/outside.yaml", '"117203498723049872304"', '"117203498723049872305"'),
        ("pull_datasets/outside.yaml", "https://exports.example.gov.uk", "https://exports.example.org"),
        ("pull_datasets/outside.yaml", '"104320958746283910576"', '"104320958746283910577"'),
        ("pull_datasets/outside.yaml", TENANT.upper(), TENANT.replace("1", "2")),
        ("pull_datasets/outside.yaml", "      version: 2\n", ""),
        ("pull_datasets/outside.yaml", "namespace: reports", "namespace: report"),
        ("pull_datasets/outside.yaml", "repo:example/reports:", "repo:example/report:"),
        ("pull_datasets/outside.yaml", "expires: 2034-06-30", "expires: 2034-06-29"),
        ("pull_datasets/sftp.yaml", "name: meridian", "name: meridiem"),
        ("pull_datasets/sftp.yaml", f"      - {ssh_keys.OTHER}\n", ""),
        ("pull_datasets/sftp.yaml", "allow_push: true", "allow_push: false"),
        ("exports.yaml", "[alpha_user_*]", "[alpha_user_b*]"),
        ("exports.yaml", "mojap-hub-exports", "mojap-hub-other"),
    ],
)
def test_the_oracle_sees_an_access_that_the_files_do_not_declare(file: str, old: str, new: str, tmp_path: Path) -> None:
    estate = _loaded(tmp_path, FILES)
    assert estate is not None
    assert old in FILES[file]
    with pytest.raises(AssertionError):
        check_no_wider({**FILES, file: FILES[file].replace(old, new)}, estate)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # another cloud's recipient: its tokens
        ('"Null": {"sts:IdentityTokenAudience": "false"}, ', ""),
        ('"NumericLessThanEquals": {"sts:DurationSeconds": "300"}, ', ""),
        ('"sts:DurationSeconds": "300"', '"sts:DurationSeconds": "3600"'),
        ('"StringEquals": {"sts:SigningAlgorithm": "RS256"}', '"StringLike": {"sts:SigningAlgorithm": "RS256"}'),
        ('"api://AzureADTokenExchange"', '["api://AzureADTokenExchange", "sts.amazonaws.com"]'),
        ('"ForAllValues:StringEquals"', '"ForAllValues:StringLike"'),
        ('providers/exports"', 'providers/*"'),
        ('["sts:GetWebIdentityToken"]', '["sts:AssumeRole", "sts:GetWebIdentityToken"]'),
        ('["sts:GetWebIdentityToken"]', '["sts:AssumeRole"]'),
        ('"arn:aws:s3:::mojap-hub-exports/in_azure/*"', '"arn:aws:s3:::mojap-hub-exports/in*"'),
        ('"arn:aws:s3:::mojap-hub-exports/in_azure/*"', '"arn:aws:s3:::mojap-hub-exports/at_google/*"'),
        ('"arn:aws:s3:::mojap-hub-exports/at_google/*"', '"arn:aws:s3:::hj-incoming/at_google/*"'),
        ('"lambda.amazonaws.com"', '["ec2.amazonaws.com", "lambda.amazonaws.com"]'),
        # readers outside AWS: whom their roles let in
        ('"StringEquals": {"accounts.google.com:sub"', '"StringLike": {"accounts.google.com:sub"'),
        ('"repo:example/reports:environment:prod"', '"repo:example/*"'),
        ('"repo:example/reports:environment:prod"', '["repo:example/reports:environment:prod", "x"]'),
        (':aud": "api://exports", ', ':oaud": "api://exports", '),
        ('"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", ', ""),
        ("oidc-provider/token.actions.githubusercontent.com", "oidc-provider/token.example"),
        ('"DateLessThan": {"aws:CurrentTime": "2034-07-01T00:00:00Z"}, ', ""),
        ('"MaxSessionDuration": 3600', '"MaxSessionDuration": 43200'),
        (
            '"RoleName": "export_rolls-pull-',
            '"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "RoleName": "',
        ),
        ('"arn:aws:s3:::mojap-rolls/*"', '"arn:aws:s3:::mojap-tables/*"'),
        # readers by SFTP: who logs in, where, and what they may do there
        ("user/*/meridian", "user/*/*"),
        ('"aws:SourceAccount": "593291632749"', '"aws:SourceAccount": "754256621582"'),
        ('"Target": "/mojap-lists-by-sftp"', '"Target": "/mojap-tables"'),
        ('"HomeDirectoryType": "LOGICAL"', '"HomeDirectoryType": "PATH"'),
        ('"SshPublicKeys": [', f'"SshPublicKeys": ["{ssh_keys.RSA_2048}", '),
        ('mojap-lists-by-sftp/incoming/*"', 'mojap-lists-by-sftp/*"'),
    ],
)
def test_the_oracle_sees_a_template_that_is_wider_than_the_files(old: str, new: str, tmp_path: Path) -> None:
    estate = _loaded(tmp_path, FILES)
    assert estate is not None
    changed = []

    def change(body: str) -> str:
        text = json.dumps(json.loads(body), sort_keys=True)
        changed.append(old in text)
        return text.replace(old, new)

    with pytest.raises(AssertionError):
        check_no_wider(FILES, estate, change)
    assert any(changed)
