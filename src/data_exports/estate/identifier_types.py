"""The types of fields that hold identifiers: of AWS, and of people's mail; pure. In and out as in `field_types`."""

import re

from data_exports.estate.codes import Code
from data_exports.estate.email_addresses import ADDRESS_CHARACTERS, ADDRESS_PATTERN, DOMAIN_PATTERN, is_address
from data_exports.estate.field_types import (
    LINE,
    FieldType,
    Located,
    fields_of,
    hint_on_dashes,
    identifier_of,
    list_of,
    text_in,
)
from data_exports.estate.findings import FindingCollector
from data_exports.estate.yaml_tree import Node
from data_exports.limits import IAM_PATH_CHARACTERS
from data_exports.names import (
    RESERVED_BUCKET_PREFIXES,
    AccountId,
    AccountRootArn,
    BucketName,
    DatasetName,
    InvalidNameError,
    Outsider,
    RoleArn,
    RoleName,
    UserArn,
)
from data_exports.readers.sftp import SftpName, SftpReader
from data_exports.readers.ssh_keys import KEY_PATTERN, SshPublicKey

SSO_PREFIX = "AWSReservedSSO_"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
"""Behind it the region of IAM Identity Center, unless that is us-east-1.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""

PAGE_CHARACTERS = 500
"""Ours: the longest address of a page; it stands on a line of its own in letters."""

PROTECTED_ROLES = {SSO_PREFIX: "single sign-on", "AWSServiceRoleFor": "an AWS service"}
"""How the names of roles begin that AWS alone changes, and whose they are.
https://repost.aws/knowledge-center/identity-center-aws-reserved-sso
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html"""


def _bucket_advice(text: str) -> str:
    for prefix in ("arn:aws:s3:::", "s3://"):
        if text.startswith(prefix):
            return f"write the bucket's name alone: {text.removeprefix(prefix).split('/')[0]}"
    return ""


def _dataset_advice(text: str) -> str:
    plain = re.sub(r"[\W_]+", "_", text.lower(), flags=re.ASCII).strip("_")
    return f"did you mean {plain!r}? {DatasetName.hint}" if DatasetName.pattern.fullmatch(plain) else ""


def _role_advice(text: str) -> str:
    if set(text) & set("*?"):
        return "name each role: only `user_roles` in exports.yaml takes patterns"
    return f"write the role's name alone: {text.rsplit('/', 1)[-1]}" if text.startswith("arn:aws:") else ""


_ACCOUNT = identifier_of(
    AccountId,
    AccountId.pattern.pattern,
    advise=lambda _: 'write all 12 digits in quotes, such as "012345678901"',  # for YAML; elsewhere the type's own hint
    may_be_number=True,
)
# Files in use have ids without quotes, which the editors' YAML takes for numbers.
_ACCOUNT_NUMBER = {"type": "integer", "minimum": 10**11, "maximum": 10**12 - 1}
ACCOUNT = FieldType(_ACCOUNT.read, {"anyOf": [_ACCOUNT.schema, _ACCOUNT_NUMBER]})
DATASET = identifier_of(DatasetName, DatasetName.pattern.pattern, advise=_dataset_advice)
BUCKET = identifier_of(BucketName, BucketName.pattern.pattern, advise=_bucket_advice)
ROLE = identifier_of(RoleName, f"(?!{'|'.join(PROTECTED_ROLES)}){RoleName.pattern.pattern}", advise=_role_advice)


_BUCKET_PREFIX = rf"(?!{'|'.join(map(re.escape, RESERVED_BUCKET_PREFIXES))})[a-z0-9][a-z0-9.-]{{0,60}}"


def _bucket_prefix(text: str) -> str:
    for reserved in RESERVED_BUCKET_PREFIXES:
        if text.startswith(reserved):
            raise InvalidNameError(
                f"{text!r} begins with {reserved}, which S3 reserves", hint="choose another beginning"
            )
    if not re.fullmatch(_BUCKET_PREFIX, text):
        raise InvalidNameError(
            f"{text!r} cannot begin a bucket name", hint="use lower case letters, digits, - and ., such as example-"
        )
    return text


def _role_pattern(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@*?-]{1,64}", text):
        raise InvalidNameError(
            f"{text!r} is not a pattern of IAM role names", hint="use a role name with * or ? in it, such as app_user_*"
        )
    return text


BUCKET_PREFIX = identifier_of(_bucket_prefix, _BUCKET_PREFIX)
ROLE_PATTERN = identifier_of(_role_pattern, "[A-Za-z0-9_+=,.@*?-]{1,64}")


def _email(node: Node, report: FindingCollector) -> Located[str] | None:
    found = LINE.read(node, report)
    if found and not is_address(found.value):
        hint = "write one address, such as data-engineering@example.gov.uk"
        report.error(found.place, Code.BAD_EMAIL, f"{found.value!r} is not an e-mail address", hint)
        return None
    return found


def _domain(text: str) -> str:
    if len(text) > ADDRESS_CHARACTERS or not re.fullmatch(DOMAIN_PATTERN, text):
        plain = text.rpartition("@")[2].removeprefix("*.")
        hint = f"write {plain}" if re.fullmatch(DOMAIN_PATTERN, plain) else "write a domain such as example.gov.uk"
        raise InvalidNameError(f"{text!r} is not a domain of e-mail addresses", hint=hint)
    return text.lower()


_PAGE = rf"https://{DOMAIN_PATTERN}(?::[0-9]{{1,5}})?(?:[/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?"


def _contact(text: str) -> str:
    if len(text) > PAGE_CHARACTERS or not (is_address(text) or re.fullmatch(_PAGE, text)):
        raise InvalidNameError(
            f"{text!r} is neither an e-mail address nor the address of a page",
            hint="write one such as data-engineering@example.gov.uk, or https://example.gov.uk/exports",
        )
    return text


EMAIL = FieldType(_email, {"type": "string", "format": "email"})
DOMAIN = identifier_of(_domain, DOMAIN_PATTERN)
CONTACT = identifier_of(_contact, f"(?:{ADDRESS_PATTERN}|{_PAGE})")


_SESSION = re.compile(rf"arn:aws:sts::([0-9]{{12}}):assumed-role/({RoleName.pattern.pattern})/.+")


def sso_advice(account: str, name: str) -> str:
    """How to name a role of single sign-on of which the path is not known."""
    arn = f"arn:aws:iam::{account}:role{SSO_PATH}<region of IAM Identity Center>/{name}"
    return f"copy the role's ARN from IAM: {arn}, without a region if that is us-east-1"


def _session_advice(account: str, name: str) -> str:
    """The ARN of a session leaves out the path of its role."""
    if name.startswith(SSO_PREFIX):
        return sso_advice(account, name)
    return f"write the ARN of the role, not of a session, with the role's path: `aws iam get-role --role-name {name}`"


def _outsider(node: Node, report: FindingCollector) -> Located[Outsider] | None:
    if (text := text_in(node, report)) is None:
        return None
    if "*" in text.text or "?" in text.text:
        message = f"{text.text!r} lets in everybody who fits a pattern"
        report.error(text.place, Code.WILD_OUTSIDER, message, "write the full ARN of each role")
        return None
    path = text.text.partition("/")[2].rpartition("/")[0]
    if len(path) + len("//") > IAM_PATH_CHARACTERS:
        message = f"its path has {len(path) + len('//'):,} characters; IAM allows {IAM_PATH_CHARACTERS}"
        report.error(text.place, Code.BAD_NAME, message, "copy the ARN of the role from IAM")
        return None
    for parse in (UserArn, AccountRootArn):
        if parse.pattern.fullmatch(text.text):
            return Located(parse(text.text), text.place)
    try:
        return Located(RoleArn(text.text), text.place)
    except InvalidNameError as error:
        session = _SESSION.fullmatch(text.text)
        hint = _session_advice(session[1], session[2]) if session else hint_on_dashes(text.text, RoleArn) or error.hint
        report.error(text.place, Code.BAD_NAME, str(error), hint)
        return None


_OUTSIDERS = "|".join(each.pattern.pattern for each in (RoleArn, UserArn, AccountRootArn))
_LONG_PATH = f"arn:[^/]*/.{{{IAM_PATH_CHARACTERS - 1},}}/"
_SSO_WITHOUT_PATH = f"arn:[^/]*(?!{re.escape(SSO_PATH)})/(?:.*/)?{SSO_PREFIX}"
OUTSIDER = FieldType(_outsider, {"type": "string", "pattern": f"^(?!{_LONG_PATH}|{_SSO_WITHOUT_PATH})({_OUTSIDERS})$"})

SFTP_NAME = identifier_of(SftpName, SftpName.pattern.pattern)
SFTP_KEY = identifier_of(SshPublicKey, KEY_PATTERN, code=Code.BAD_SSH_KEY)
SFTP_READER = fields_of(SftpReader, name=SFTP_NAME, keys=list_of(SFTP_KEY))
