"""Estates that must be refused or warned about, each wrong in one way, by subject; and what is said about them.

`python -m tests.unit.estate.refusals > tests/golden/refusals.txt` writes what is said anew, for review.
"""

import sys
import tempfile
from pathlib import Path
from textwrap import indent

from tests.ssh_keys import ED25519, FINGERPRINTS, OTHER, RSA_1024
from tests.unit.estate.written import PLATFORM, PULL, PUSH, said, write_estate

Files = dict[str, str | bytes]

HEADING = """\
What `exports check` says about estates that are wrong in one way each; see tests/unit/estate/refusals.py.
"""


PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
READER = f"sftp_readers: [{{name: reader, keys: [{ED25519}]}}]\n"


def _oidc(issuer: str) -> str:
    return f"  - oidc: {{issuer: {issuer}, subject: a, audience: a}}\n"


def swap(text: str, old: str, new: str) -> str:
    """The text with `old`, which must be in it, replaced."""
    assert old in text
    return text.replace(old, new)


EMAIL, DIGITS, AUDIENCE = "reader@p.iam.gserviceaccount.com", "117203498723049872304", "https://exports.example.gov.uk"
GITHUB, GUID = "https://token.actions.githubusercontent.com", "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394"


def _readers(*entries: str) -> Files:
    """A pull dataset with these readers outside AWS alone."""
    listed = "".join(f"  - {entry}\n" for entry in entries)
    return {"pull": swap(PULL, "pull_arns: [arn:aws:iam::754256621582:role/reader]\n", f"pull_identities:\n{listed}")}


READING: dict[str, Files] = {
    "anchor and alias": {"push": PUSH.replace("orders-landing", "&b orders-landing").replace("DPIA-1", "*b")},
    "alias that stands for nothing": {"push": swap(PUSH, "DPIA-1", "*b")},
    "merge key": {"push": PUSH + "<<: {owner: x}\n"},
    "tag": {"push": swap(PUSH, "name: orders", "name: !!str orders")},
    "duplicate key": {"push": PUSH + "name: other\n"},
    "second document": {"push": PUSH + "---\nname: b\n"},
    "empty file": {"push": ""},
    "comments only": {"push": "# name: orders\n"},
    "list instead of a mapping": {"push": "- name: orders\n"},
    "text instead of a mapping": {"push": "orders\n"},
    "broken YAML": {"push": PUSH + "owner: [a\n"},
    "tab": {"push": "name: orders\n\ttarget_bucket: x\n"},
    "not UTF-8": {"push": PUSH.encode() + b"owner: Jos\xe9\n"},
    "UTF-16": {"push": PUSH.encode("utf-16")},
    "control character": {"push": PUSH + "owner: a\x07b\n"},
    "line that only YAML sees": {"push": PUSH + "# read only\u2028expires: 2025-01-31\n"},
    "carriage return alone": {"push": PUSH + "# a\rowner: Ana\r\n"},
    "direction marks in a comment": {"push": PUSH + "# \u202ea\u202c\n"},
    "letter that is blank": {"push": PUSH + "owner: Ana\u3164\n"},
    "emoji with a selector": {"platform": PLATFORM + "# \u26a0\ufe0f\n"},
    "too deep": {"push": PUSH + "owner: " + "[" * 500 + "]" * 500 + "\n"},
    "key that is a list": {"push": PUSH + "? [a, b]\n: c\n"},
    "several mistakes": {
        "push": "name: Orders\ntarget_bucket: arn:aws:s3:::x\nuser: [alpha_user_ana]\n",
        "platform": swap(PLATFORM, "593291632749", "59329163274"),
    },
}

VALUES: dict[str, Files] = {
    "readers outside AWS in no list": {"pull": PULL + "pull_identities: {google_transfer: {subject: a}}\n"},
    "no reader outside AWS": {"pull": PULL + "pull_identities: []\n"},
    "reader outside AWS as a text": _readers("reader@p.iam.gserviceaccount.com"),
    "reader outside AWS of a kind that is none": _readers("gogle: {unique_id: a}", "aws: {role: a}", "{}"),
    "two kinds in one entry": _readers(f"{{google_transfer: {{subject: '{DIGITS}'}}, oidc: {{}}}}"),
    "kind of reader alone": _readers("google:", "azure: []"),
    "parts that are missing and strange": _readers(
        f"google: {{service_account: {EMAIL}, uniqueid: '{DIGITS}'}}", "oidc: {subjects: [a], audience: }"
    ),
    "e-mail address instead of the unique id": _readers(
        f"google: {{service_account: {EMAIL}, unique_id: {EMAIL}, audience: {AUDIENCE}}}",
        f"google: {{service_account: ana@example.org, unique_id: '12', audience: {AUDIENCE}}}",
        "google_transfer: {subject: project-1@storage-transfer-service.iam.gserviceaccount.com}",
    ),
    "GUIDs that are none": _readers(
        f"azure: {{tenant: example.onmicrosoft.com, object: {GUID}0, audience: 'api exports', version: 3}}"
    ),
    "issuers that are none": _readers(
        *(
            f"oidc: {{issuer: '{issuer}', subject: a, audience: b}}"
            for issuer in (
                *("http://a.example.org", "https://a.example.org:8443", "https://a.example.org/?tenant=b"),
                *("https://a.example.org#b", "https://ana@a.example.org", "a.example.org", "https://localhost"),
                *("https://A.example.org", "https://a.example.org//b", "https://10.0.0.1"),
            )
        )
    ),
    "patterns of readers": _readers(
        "oidc: {issuer: https://token.actions.githubusercontent.com, subject: 'repo:example/*', audience: b}",
        "oidc: {issuer: 'https://*.example.org', subject: 'a?', audience: '*'}",
        "oidc: {issuer: https://a.example.org, subject: '${aws:username}', audience: b}",
        "kubernetes: {issuer: https://a.example.org, namespace: '*', service_account: A_b, audience: b}",
    ),
    "blank audience": _readers("oidc: {issuer: https://a.example.org, subject: a, audience: ''}"),
    "account of 10 digits": {"push": swap(PUSH, "754256621582", "7542566215")},
    "bucket as ARN": {"push": swap(PUSH, "orders-landing", "arn:aws:s3:::orders-landing")},
    "bucket as URL": {"push": swap(PUSH, "orders-landing", "s3://orders-landing/in")},
    "bucket's beginning is reserved": {"push": swap(PUSH, "orders-landing", "amzn-s3-demo-orders")},
    "bucket's other beginning is reserved": {"push": swap(PUSH, "orders-landing", "sthree-orders")},
    "access point": {"push": swap(PUSH, "orders-landing", "orders-ab1cd2ef-s3alias")},
    "Object Lambda access point": {"push": swap(PUSH, "orders-landing", "orders-ab1cd2ef--ol-s3")},
    "directory bucket": {"push": swap(PUSH, "orders-landing", "orders--usw2-az1--x-s3")},
    "table bucket": {"push": swap(PUSH, "orders-landing", "orders--table-s3")},
    "multi-region access point": {"push": swap(PUSH, "orders-landing", "orders.mrap")},
    "hub of a reserved name": {"platform": swap(PLATFORM, "mojap-hub-exports", "sthree-hub")},
    "bucket prefix that is reserved": {"platform": swap(PLATFORM, "mojap-\n", "amzn-s3-demo-\n")},
    "single sign-on role without its path": {
        "pull": swap(PULL, "role/reader", "role/AWSReservedSSO_x_0123456789abcdef"),
    },
    "single sign-on role with another path": {
        "pull": swap(PULL, "role/reader", "role/sso.amazonaws.com/AWSReservedSSO_x_0123456789abcdef"),
    },
    "single sign-on role as user": {
        "platform": swap(PLATFORM, "alpha_user_*", "alpha_user_*, AWSReservedSSO_*"),
        "push": swap(PUSH, "alpha_user_ana", "AWSReservedSSO_x_0123456789abcdef"),
    },
    "service-linked role as user": {
        "platform": swap(PLATFORM, "alpha_user_*", "alpha_user_*, AWSServiceRole*"),
        "pull": swap(PULL, "alpha_user_ana", "AWSServiceRoleForSupport"),
    },
    "name with star": {"push": swap(PUSH, "name: orders", "name: 'orders*'")},
    "name with slash": {"push": swap(PUSH, "name: orders", "name: a/b")},
    "name with capitals": {"push": swap(PUSH, "name: orders", "name: Orders")},
    "name with a space": {"push": swap(PUSH, "name: orders", "name: my orders")},
    "name too long": {"push": swap(PUSH, "name: orders", "name: " + "a" * 53)},
    "user as ARN": {"push": swap(PUSH, "[alpha_user_ana]", "[arn:aws:iam::593291632749:role/alpha_user_ana]")},
    "users as text": {"push": swap(PUSH, "[alpha_user_ana]", "alpha_user_ana")},
    "no users": {"push": swap(PUSH, "[alpha_user_ana]", "[]")},
    "field without value": {"push": swap(PUSH, "orders-landing", "")},
    "quoted empty value": {"push": swap(PUSH, "orders-landing", "''")},
    "null": {"push": PUSH + "owner: null\n"},
    "blank text": {"push": PUSH + "owner: '  '\n"},
    "list for a text": {"push": PUSH + "owner: [a]\n"},
    "mapping in a list": {"push": swap(PUSH, "[alpha_user_ana]", "[{alpha_user_ana: 1}]")},
    "missing fields": {"push": "owner: Ana\n"},
    "unknown field": {"push": PUSH + "keep_file: true\n"},
    "unknown field like none": {"push": PUSH + "zzz: 1\n"},
    "field of the other folder": {"push": PUSH + "pull_arns: []\n"},
    "both spellings": {"push": PUSH + "bucket: orders-landing\n"},
    "yes as boolean": {"push": PUSH + "keep_files: yes\n"},
    "quoted boolean": {"push": PUSH + "keep_files: 'true'\n"},
    "two booleans": {"push": PUSH + "keep_files: [true, false]\n"},
    "no boolean in the list": {"push": PUSH + "keep_files: []\n"},
    "30 February": {"push": PUSH + "expires: 2032-02-30\n"},
    "date in another order": {"push": PUSH + "expires: 31-12-2032\n"},
    "week date": {"push": PUSH + "expires: 2032-W01-4\n"},
    "last date there is": {"push": PUSH + "expires: 9999-12-31\n"},
    "KMS alias": {"push": PUSH + "target_kms_key: arn:aws:kms:eu-west-1:754256621582:alias/x\n"},
    "one mover at once": {"push": PUSH + "max_concurrency: 1\n"},
    "too many movers at once": {"push": PUSH + "max_concurrency: 1001\n"},
    "escape character": {"push": PUSH + 'owner: "a\\x1b[2Jb"\n'},
    "direction mark": {"push": PUSH + "owner: a\u202eb\n"},
    "two lines in one": {"push": PUSH + "owner: |\n  a\n  b\n"},
    "long path of a role": {"pull": swap(PULL, "role/reader", f"role/{'a' * 511}/reader")},
    "long paperwork": {"push": swap(PUSH, "DPIA-1", "a" * 501)},
    "long owner": {"push": PUSH + "owner: " + "a" * 321 + "\n"},
    "long account name": {"platform": PLATFORM + '  accounts: {"754256621582": ' + "a" * 101 + "}\n"},
    "long key": {"push": PUSH + f"target_kms_key: arn:aws:kms:eu-west-1:754256621582:key/{'a' * 65}\n"},
    "long address": {"platform": swap(PLATFORM, "exports@", "a" * 65 + "@")},
    "domains of mails": {"platform": PLATFORM + "  mail_domains: [uk, '*.example.gov.uk', a@example.gov.uk, exа.uk]\n"},
    "long text": {"push": PUSH + "description: " + "a" * 2001 + "\n"},
    "stray field in exports.yaml": {"platform": PLATFORM + "region: eu-west-1\n"},
    "second top field": {"platform": PLATFORM + "extra: 1\n"},
    "platform is a list": {"platform": "platform: [a]\n"},
    "platform is empty": {"platform": "platform:\n"},
    "no platform": {"platform": "account: '593291632749'\n"},
    "unknown platform field": {"platform": PLATFORM + "  regoin: eu-west-1\n"},
    "region": {"platform": swap(PLATFORM, "eu-west-1", "Ireland")},
    "region of GovCloud": {"platform": swap(PLATFORM, "eu-west-1", "us-gov-west-1")},
    "region of China": {"platform": swap(PLATFORM, "eu-west-1", "cn-north-1")},
    "role in another partition": {"pull": swap(PULL, "arn:aws:", "arn:aws-us-gov:")},
    "user in another partition": {"push": swap(PUSH, "alpha_user_ana", "'arn:aws-cn:iam::593291632749:role/a'")},
    "bucket in another partition": {"push": swap(PUSH, "orders-landing", "arn:aws-eusc:s3:::orders-landing")},
    "key in another partition": {
        "push": PUSH + "target_kms_key: arn:aws-us-gov:kms:us-gov-west-1:754256621582:key/a\n"
    },
    "recovery days zero": {"platform": PLATFORM + "  recovery_days: 0\n"},
    "recovery days octal": {"platform": PLATFORM + "  recovery_days: 010\n"},
    "recovery days too many": {"platform": PLATFORM + "  recovery_days: 366\n"},
    "paperwork policy": {"platform": PLATFORM + "  paperwork: maybe\n"},
    "paperwork policy with a slip": {"platform": PLATFORM + "  paperwork: Require\n"},
    "e-mail": {"platform": swap(PLATFORM, "exports@example.gov.uk", "exports at example")},
    "account names as list": {"platform": PLATFORM + "  accounts: ['754256621582']\n"},
    "account name of a wrong id": {"platform": PLATFORM + "  accounts: {754: Cloud}\n"},
    "bucket prefix": {"platform": swap(PLATFORM, "mojap-", "Mojap_")},
    "role pattern": {"platform": swap(PLATFORM, "[alpha_user_*]", "['alpha_[ab]*']")},
    "readers by SFTP as text": {"pull": PULL + "sftp_readers: reader\n"},
    "names of readers by SFTP alone": {"pull": PULL + "sftp_readers: [reader]\n"},
    "reader by SFTP without keys": {"pull": PULL + "sftp_readers: [{name: reader}, {name: tarn, keys: []}]\n"},
    "reader by SFTP with a field more": {"pull": PULL + f"sftp_readers: [{{name: a_b, key: x, keys: [{ED25519}]}}]\n"},
    "names of readers by SFTP": {
        "pull": PULL
        + "".join(
            f"{'sftp_readers:' * (not number)}\n  - {{name: {name}, keys: [{key}]}}"
            for number, (name, key) in enumerate(zip(("root", "ab", "-ab", "'a b c'"), FINGERPRINTS, strict=False))
        )
        + "\n"
    },
    "private key": {
        "pull": PULL + f"sftp_readers:\n  - name: reader\n    keys:\n      - |\n{indent(PRIVATE, ' ' * 8)}"
    },
    "private key on one line": {
        "pull": PULL + f"sftp_readers:\n  - name: reader\n    keys:\n      - {PRIVATE.replace(chr(10), ' ')}\n"
    },
    "private key as a name": {
        "pull": PULL + f"sftp_readers:\n  - name: |\n{indent(PRIVATE, ' ' * 6)}    keys: [{ED25519}]\n"
    },
    "issuer that is where it describes itself": {
        "pull": PULL
        + "pull_identities:\n"
        + _oidc("https://tokens.example.org/.well-known/openid-configuration")
        + _oidc("https://token.actions.githubusercontent.com/")
    },
    "options of a key": {"pull": PULL + f"sftp_readers: [{{name: reader, keys: [no-pty {ED25519}]}}]\n"},
    "sftp as a choice": {"platform": PLATFORM + "  sftp: public\n"},
}

RULES: dict[str, Files] = {
    "private key in a comment": {"push": f"{PUSH}# {PRIVATE.replace(chr(10), ' ')}\nexpires: soon\n"},
    "RSA key that is too short": {"pull": PULL + f"sftp_readers: [{{name: reader, keys: ['{RSA_1024}']}}]\n"},
    "readers by SFTP without the platform's": {"pull": PULL + READER},
    "platform without its SFTP": {"platform": PLATFORM + "  sftp: false\n", "pull": PULL + READER},
    "one name by SFTP twice": {
        "platform": PLATFORM + "  sftp: true\n",
        "pull": PULL + READER,
        "pull_datasets__c": swap(PULL, "tables", "others") + swap(swap(READER, "reader", "Reader"), ED25519, OTHER),
    },
    "one key under two names": {
        "platform": PLATFORM + "  sftp: true\n",
        "pull": PULL + READER,
        "pull_datasets__c": swap(PULL, "tables", "others") + swap(READER, "reader", "calder"),
    },
    "one key twice": {
        "platform": PLATFORM + "  sftp: true\n",
        "pull": PULL + swap(READER, ED25519, f"{ED25519}, {ED25519} again"),
    },
    "region with a slip": {"platform": swap(PLATFORM, "eu-west-1", "eu-wset-1")},
    "region with too much": {"platform": swap(PLATFORM, "eu-west-1", "eu-west-11")},
    "region by its place": {"platform": swap(PLATFORM, "eu-west-1", "London")},
    "region that nobody knows": {"platform": swap(PLATFORM, "eu-west-1", "zz-moon-1")},
    "key in a region with a slip": {"push": PUSH + "target_kms_key: arn:aws:kms:eu-wset-2:754256621582:key/a\n"},
    "any role may be a user": {"platform": swap(PLATFORM, "[alpha_user_*]", "['*', 'alpha_user_*', '??*']")},
    "nearly any role may be a user": {
        "platform": swap(PLATFORM, "[alpha_user_*]", "['*_*', 'a_*', 'ab?', 'alpha_user_*', 'alp*']")
    },
    "owner's address with letters of another alphabet": {"push": PUSH + "owner: Ana <ana@exаmple.gov.uk>\n"},
    "owner's address that is too long": {"push": PUSH + "owner: " + "a" * 65 + "@example.gov.uk\n"},
    "no alerts": {"platform": swap(PLATFORM, "  alerts: [exports@example.gov.uk]\n", "")},
    "no contact": {"platform": swap(PLATFORM, "  contact: https://example.gov.uk/exports\n", "")},
    "contact that is no page": {"platform": swap(PLATFORM, "https://example.gov.uk", "http://x")},
    "alert twice": {"platform": swap(PLATFORM, "exports@example.gov.uk", "a@b.uk, A@b.uk")},
    "hub name too long for its log bucket": {"platform": swap(PLATFORM, "mojap-hub-exports", "h" * 60)},
    "41 tags": {"platform": PLATFORM + "  tags:\n" + "".join(f"    t{i}: v\n" for i in range(41))},
    "wrong tags": {
        "platform": PLATFORM
        + "  tags:\n    aws:x: v\n    Owner: v\n    owner: v\n    k#: v\n    long: "
        + "v" * 257
        + "\n    "
        + "k" * 129
        + ": v\n"
    },
    "one name twice in one folder": {"push_datasets__c": PUSH},
    "one name in both folders": {"pull": swap(PULL, "tables", "orders")},
    "names that collide": {"push": swap(PUSH, "name: orders", "name: a_b"), "pull": swap(PULL, "tables", "a-b")},
    "hub as target": {"push": swap(PUSH, "orders-landing", "mojap-hub-exports")},
    "log bucket as target": {"push": swap(PUSH, "orders-landing", "mojap-hub-exports-log")},
    "pull bucket as target": {"push": swap(PUSH, "orders-landing", "mojap-tables")},
    "pull bucket is the hub": {"pull": swap(PULL, "tables", "hub_exports")},
    "pull bucket is the log bucket": {"pull": swap(PULL, "tables", "hub-exports-log")},
    "pull bucket is the access-log bucket": {"pull": swap(PULL, "tables", "hub-exports-use")},
    "pull bucket name too long": {
        "platform": swap(PLATFORM, "mojap-", "mojap-analytical-platform-exports-"),
        "pull": swap(PULL, "tables", "t" * 40),
    },
    "pull bucket of a reserved name": {
        "platform": swap(PLATFORM, "mojap-\n", "amzn-\n"),
        "pull": swap(PULL, "tables", "s3_demo_tables"),
    },
    "pull bucket whose end is reserved": {"pull": swap(PULL, "tables", "tables--x-s3")},
    "no target account": {"push": swap(PUSH, 'target_account: "754256621582"\n', "")},
    "own account as target": {"push": swap(PUSH, "754256621582", "593291632749")},
    "user outside the patterns": {"push": swap(PUSH, "[alpha_user_ana]", "[alpha_user_ana, restricted-admin]")},
    "user in another case": {"push": swap(PUSH, "[alpha_user_ana]", "[Alpha_user_ana]")},
    "user with a slip in its beginning": {"push": swap(PUSH, "[alpha_user_ana]", "[alph-user_ana, alhpa_user_ana]")},
    "user twice": {"push": swap(PUSH, "[alpha_user_ana]", "[alpha_user_ana, alpha_user_Ana]")},
    "outsider twice": {
        "pull": swap(
            PULL,
            "[arn:aws:iam::754256621582:role/reader]",
            "[arn:aws:iam::754256621582:role/reader, arn:aws:iam::754256621582:role/reader]",
        )
    },
    "everybody": {"pull": swap(PULL, "[arn:aws:iam::754256621582:role/reader]", "['*']")},
    "pattern of roles": {"pull": swap(PULL, "role/reader", "role/*")},
    "pattern of paths": {"pull": swap(PULL, "role/reader", "role/*/reader")},
    "whole account": {"pull": swap(PULL, "role/reader", "root")},
    "whole account that the platform lists": {
        "platform": PLATFORM + '  accounts: {"754256621582": Cloud Platform}\n',
        "pull": swap(PULL, "role/reader", "root"),
    },
    "no reader of any kind": {"pull": swap(PULL, "pull_arns: [arn:aws:iam::754256621582:role/reader]\n", "")},
    "tokens of Google and Microsoft by their address": _readers(
        f"oidc: {{issuer: https://accounts.google.com, subject: a, audience: {AUDIENCE}}}",
        f"kubernetes: {{issuer: https://sts.windows.net/{GUID}/, namespace: a, service_account: b, audience: c}}",
        f"oidc: {{issuer: https://login.microsoftonline.com/{GUID}/v2.0, subject: a, audience: b}}",
    ),
    "tokens that AWS does not take": _readers(
        "oidc: {issuer: https://cognito-identity.amazonaws.com, subject: a, audience: b}",
        "oidc: {issuer: https://www.amazon.com, subject: a, audience: b}",
        "oidc: {issuer: https://0a1b2c3d.tokens.sts.global.api.aws, subject: a, audience: b}",
    ),
    "what CloudFormation would look up": _readers(
        "oidc: {issuer: https://a.example.org, subject: '{{resolve:ssm:/who:1}}', audience: a}",
        "oidc: {issuer: https://a.example.org, subject: a, audience: '{{resolve:secretsmanager:key}}'}",
    ),
    "what IAM would fill in": _readers(
        "oidc: {issuer: https://a.example.org, subject: '${aws:PrincipalArn}', audience: a}",
        "oidc: {issuer: https://a.example.org, subject: 'a{$}', audience: '$'}",
    ),
    "issuers written in other ways": _readers(
        "oidc: {issuer: https://a.example.org/../b, subject: a, audience: a}",
        "oidc: {issuer: https://a.example.org/./b, subject: a, audience: a}",
        "oidc: {issuer: https://a.example.org/b/.., subject: a, audience: a}",
        "oidc: {issuer: https://a.example.org/%62, subject: a, audience: a}",
        "oidc: {issuer: https://a.example.org//b, subject: a, audience: a}",
        "oidc: {issuer: https://A.example.org, subject: a, audience: a}",
        "oidc: {issuer: HTTPS://a.example.org, subject: a, audience: a}",
        "oidc: {issuer: https://a.example.org., subject: a, audience: a}",
        "oidc: {issuer: https://u@a.example.org, subject: a, audience: a}",
        "oidc: {issuer: https://accounts.google.com/, subject: a, audience: a}",
        'oidc: {issuer: "https://a\\u0441.example.org", subject: a, audience: a}',
        'oidc: {issuer: "https://a.example.org\\n", subject: a, audience: a}',
    ),
    "identities in other letters": _readers(
        f'google: {{service_account: {EMAIL}, unique_id: "\\u0661{DIGITS[1:]}", audience: {AUDIENCE}}}',
        f'google: {{service_account: "Reader@p.iam.gserviceaccount.com", unique_id: "{DIGITS}", audience: a}}',
        f'azure: {{tenant: "{GUID[:-1]}\\uff14", object: {GUID}, audience: a}}',
        f'azure: {{tenant: {GUID}, object: "{GUID}\\u200b", audience: a}}',
        'oidc: {issuer: https://a.example.org, subject: "a\\u200bb", audience: a}',
        'oidc: {issuer: https://a.example.org, subject: "a\\nb", audience: " a"}',
    ),
    "tokens of version 2 for an address": _readers(
        f"azure: {{tenant: {GUID}, object: {GUID}, audience: api://exports, version: 2}}"
    ),
    "reader outside AWS twice": _readers(
        f'google: {{service_account: {EMAIL}, unique_id: "{DIGITS}", audience: {AUDIENCE}}}',
        f'google: {{service_account: b@c.iam.gserviceaccount.com, unique_id: "{DIGITS}", audience: another}}',
    ),
    "readers outside AWS whose ids begin alike": _readers(
        f"oidc: {{issuer: {GITHUB}, subject: 'repo:example/reports:environment:e39192', audience: a}}",
        f"oidc: {{issuer: {GITHUB}, subject: 'repo:example/reports:environment:e99994', audience: a}}",
    ),
    "readers by SFTP whose ids begin alike": {
        "platform": PLATFORM + "  sftp: true\n",
        "pull": PULL
        + f"sftp_readers:\n  - {{name: reader-52433, keys: [{ED25519}]}}\n"
        + f"  - {{name: reader-66498, keys: [{OTHER}]}}\n",
    },
    "unique id without quotes": _readers(
        f"google: {{service_account: {EMAIL}, unique_id: {DIGITS}, audience: {AUDIENCE}}}"
    ),
    "more audiences than a provider takes": _readers(
        *(f"oidc: {{issuer: https://a.example.org, subject: s{each}, audience: a{each}}}" for each in range(102))
    ),
    "pattern of users": {"push": swap(PUSH, "[alpha_user_ana]", "['alpha_user_*']")},
    "bare account": {"pull": swap(PULL, "arn:aws:iam::754256621582:role/reader", "'754256621582'")},
    "session of a role": {
        "pull": swap(PULL, "arn:aws:iam::754256621582:role/reader", "arn:aws:sts::754256621582:assumed-role/reader/ana")
    },
    "session of a single sign-on role": {
        "pull": swap(
            PULL,
            "arn:aws:iam::754256621582:role/reader",
            "arn:aws:sts::754256621582:assumed-role/AWSReservedSSO_x_0123456789abcdef/ana",
        )
    },
    "IAM user": {"pull": swap(PULL, "role/reader", "user/reader")},
    "single sign-on role": {
        "pull": swap(
            PULL, "role/reader", "role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_x_0123456789abcdef"
        )
    },
    "text that others read as something else": {
        "platform": PLATFORM + "  accounts: {754256621582: 12}\n  tags: {on: 0x1f, 'no': '1'}\n",
        "push": swap(PUSH, "name: orders", "name: 1e3") + "owner: yes\ndescription: 2031-01-31\n",
        "pull": swap(PULL, "name: tables", "name: '123'") + "description: 1_000:30\n",
    },
    "text that is cut": {
        "platform": PLATFORM + "  accounts:\n    754256621582: Team #4 #5\n  tags: {a: b #c\n    }\n",
        "push": PUSH + "description: issue #42 of the court\nowner: Ana\n  and Ben #both\n",
        "pull": swap(PULL, "paperwork: DPIA-2", "paperwork:\n  - DPIA #2") + "owner: Ana # see #42\n",
    },
    "accounts with one name": {
        "platform": PLATFORM + "  accounts: {754256621582: Pilot, 318604275917: 'PIL\u039fT', 112233445566: pi1ot}\n"
    },
    "account named like another": {
        "platform": PLATFORM
        + "  accounts: {754256621582: 'Courts (3186-0427-5917)', 318604275917: Probation 318604275917}\n"
    },
    "own account outsider": {"pull": swap(PULL, "754256621582", "593291632749")},
    "own account outsider that user_roles allows": {
        "pull": swap(PULL, "754256621582:role/reader", "593291632749:role/team/alpha_user_ana")
    },
    "own account as a whole": {
        "platform": PLATFORM + '  accounts: {"593291632749": Us}\n',
        "pull": swap(PULL, "754256621582:role/reader", "593291632749:root"),
    },
    "stray bucket": {"pull": PULL + "bucket: tables\n"},
    "no paperwork": {"push": swap(PUSH, "paperwork: DPIA-1\n", "")},
    "bare paperwork": {"push": swap(PUSH, "DPIA-1", "")},
    "empty list of paperwork": {"push": swap(PUSH, "DPIA-1", "[]")},
    "paperwork to come": {"push": swap(PUSH, "DPIA-1", "[TBD, DPIA-1]")},
    "no paperwork where it is required": {
        "platform": PLATFORM + "  paperwork: required\n",
        "push": swap(PUSH, "paperwork: DPIA-1\n", ""),
    },
    "paperwork to come where it is required": {
        "platform": PLATFORM + "  paperwork: required\n",
        "push": swap(PUSH, "DPIA-1", "tbd."),
    },
    "ended": {"push": PUSH + "expires: 2031-01-14\n"},
    "ends today": {"push": PUSH + "expires: 2031-01-15\n"},
    "ends tomorrow": {"push": PUSH + "expires: 2031-01-16\n"},
    "ends in 30 days": {"push": PUSH + "expires: 2031-02-14\n"},
    "promise that is none": {"push": PUSH + "due: every day\n"},
    "promise in a zone that is none": {"push": PUSH + "due: daily by 06:00 Europe/Londn\n"},
    "promise at an hour that is left out": {"push": PUSH + "due: daily by 01:30 Europe/London\n"},
    "promise of a month's day that meets the hour in some years": {
        "push": PUSH + "due: monthly on 28 by 01:30 Europe/London\n"
    },
    "promise at an hour that its weekday never lacks": {
        "push": PUSH + "due: weekly on Monday by 01:30 Europe/London\n"
    },
    "days left out of no promise": {"push": PUSH + "except: [2031-12-25]\n"},
    "days left out that are none": {"push": PUSH + "due: daily by 06:00 UTC\nexcept: [25/12/2031, 2031-02-29]\n"},
    "promise of a pull dataset": {"pull": PULL + "due: daily by 06:00 UTC\n"},
}

REFUSALS = {**READING, **VALUES, **RULES}


def report_of(files: Files) -> list[str]:
    """What is said about an estate with these files."""
    with tempfile.TemporaryDirectory() as folder:
        return said(write_estate(Path(folder), **files))


if __name__ == "__main__":
    sys.stdout.write(HEADING)
    for case, files in REFUSALS.items():
        sys.stdout.write("\n".join(["", case, *(f"  {line}" for line in report_of(files)), ""]))
