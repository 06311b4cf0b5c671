"""Nodes → checked values with their places: one reader for each kind of value a field can hold.

A reader returns ``None`` after it has reported why. Each kind carries the JSON Schema of what it takes, so that editors
and `exports check` cannot disagree.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Generic, TypeVar

from data_exports.estate.addresses import ADDRESS_CHARACTERS, DOMAIN_PATTERN, is_address
from data_exports.estate.codes import Code
from data_exports.estate.findings import Report
from data_exports.estate.models import Outsider, Place
from data_exports.estate.nodes import Fields, Items, Node, Text, other_reading
from data_exports.limits import IAM_PATH_CHARACTERS
from data_exports.names import (
    RESERVED_BUCKET_PREFIXES,
    AccountId,
    AccountRootArn,
    BucketName,
    DatasetName,
    InvalidNameError,
    RoleArn,
    RoleName,
    UserArn,
)
from data_exports.text import hidden_in, named_character

T = TypeVar("T")

TEXT_CHARACTERS = 2_000
"""Ours: the longest free text; a declaration is no place for a document."""

SHORT_CHARACTERS = 320
"""Ours: a name or a team with an address of 254 characters."""

REFERENCE_CHARACTERS = 500
"""Ours: the longest link or reference of paperwork; it stands in every plan."""

ACCOUNT_NAME_CHARACTERS = 100
"""Ours: twice what AWS lets the name of an account have; it stands beside the account's id in every plan.
https://docs.aws.amazon.com/accounts/latest/reference/API_GetAccountInformation.html"""


SSO_PREFIX = "AWSReservedSSO_"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
"""Behind it the region of IAM Identity Center, unless that is us-east-1.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""

PROTECTED_ROLES = {SSO_PREFIX: "single sign-on", "AWSServiceRoleFor": "an AWS service"}
"""How the names of roles begin that AWS alone changes, and whose they are.
https://repost.aws/knowledge-center/identity-center-aws-reserved-sso
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html"""


@dataclass(frozen=True, slots=True)
class Sited(Generic[T]):
    """A value and where it stands."""

    value: T
    place: Place


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of value: how to read it, and its JSON Schema."""

    read: Callable[[Node, Report], T | None]
    schema: Mapping[str, object]


def _text(node: Node, report: Report) -> Text | None:
    if not isinstance(node, Text):
        what = "a list" if isinstance(node, Items) else "a mapping"
        report.error(node.place, Code.WRONG_SHAPE, f"{what} stands where one value is meant", "write one value")
        return None
    if node.is_empty:
        report.error(node.place, Code.NO_VALUE, "there is no value", "write one, or remove the line")
        return None
    return node


def _warn_of_other_reading(text: Text, report: Report) -> None:
    if text.plain and (what := other_reading(text.text)):
        message = f"{text.text!r} without quotes is {what} for other readers of YAML"
        report.warning(text.place, Code.READ_OTHERWISE, message, "put it in double quotes; `exports fmt` does")


def name_of(
    parse: Callable[[str], T],
    pattern: str,
    *,
    advise: Callable[[str], str] = lambda _: "",
    may_be_number: bool = False,
) -> Kind[Sited[T]]:
    """Names that a type of `data_exports.names` checks; `advise` may know a better hint for a wrong one."""

    def read(node: Node, report: Report) -> Sited[T] | None:
        if (text := _text(node, report)) is None:
            return None
        try:
            value = parse(text.text)
        except InvalidNameError as error:
            report.error(text.place, Code.BAD_NAME, str(error), advise(text.text) or error.hint)
            return None
        if not may_be_number:
            _warn_of_other_reading(text, report)
        return Sited(value, text.place)

    return Kind(read, {"type": "string", "pattern": f"^{pattern}$"})


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


_ACCOUNT = name_of(AccountId, AccountId.pattern.pattern, may_be_number=True)
# Files in use have ids without quotes, which the editors' YAML takes for numbers.
_ACCOUNT_NUMBER = {"type": "integer", "minimum": 10**11, "maximum": 10**12 - 1}
ACCOUNT = Kind(_ACCOUNT.read, {"anyOf": [_ACCOUNT.schema, _ACCOUNT_NUMBER]})
DATASET = name_of(DatasetName, DatasetName.pattern.pattern, advise=_dataset_advice)
BUCKET = name_of(BucketName, BucketName.pattern.pattern, advise=_bucket_advice)
ROLE = name_of(RoleName, f"(?!{'|'.join(PROTECTED_ROLES)}){RoleName.pattern.pattern}", advise=_role_advice)


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


BUCKET_PREFIX = name_of(_bucket_prefix, _BUCKET_PREFIX)
ROLE_PATTERN = name_of(_role_pattern, "[A-Za-z0-9_+=,.@*?-]{1,64}")


def _email(node: Node, report: Report) -> Sited[str] | None:
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


DOMAIN = name_of(_domain, DOMAIN_PATTERN)


def _prose(node: Node, report: Report) -> Sited[str] | None:
    if (text := _text(node, report)) is None:
        return None
    value = text.text.strip()
    if not value:
        report.error(text.place, Code.NO_VALUE, "the text is blank", "write one, or remove the line")
        return None
    if not _is_plain(value, text.place, report):
        return None
    _warn_of_other_reading(text, report)
    if text.is_cut:
        message = f"YAML ends the text behind {value[-40:]!r}: what follows # is a comment to it"
        hint = "put the text in double quotes; if a comment is meant, write a space behind #"
        report.warning(text.place, Code.CUT_TEXT, message, hint)
    return Sited(value, text.place)


def line_within(most: int) -> Kind[Sited[str]]:
    """Text on one line, of so many characters at most: what is read along with a plan must not bury it."""

    def read(node: Node, report: Report) -> Sited[str] | None:
        found = _prose(node, report)
        if found and "\n" in found.value:
            report.error(found.place, Code.BAD_TEXT, "the text has several lines", "write it on one line")
            return None
        if found and len(found.value) > most:
            message = f"the text has {len(found.value):,} characters, more than {most:,}"
            report.error(found.place, Code.BAD_TEXT, message, "put it in a document, and a short name or link here")
            return None
        return found

    return Kind(read, {"type": "string", "minLength": 1, "maxLength": most})


def _is_plain(value: str, place: Place, report: Report) -> bool:
    if hidden := hidden_in(value):
        named = named_character(value[hidden[0]])
        report.error(place, Code.BAD_TEXT, f"the text holds a character that cannot be seen: {named}", "remove it")
    elif len(value) > TEXT_CHARACTERS:
        message = f"the text has {len(value):,} characters, more than {TEXT_CHARACTERS:,}"
        report.error(place, Code.BAD_TEXT, message, "put it in a document, and the link here")
    else:
        return True
    return False


PROSE = Kind(_prose, {"type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS})
LINE = line_within(TEXT_CHARACTERS)
SHORT_LINE = line_within(SHORT_CHARACTERS)
REFERENCE = line_within(REFERENCE_CHARACTERS)
ACCOUNT_NAME = line_within(ACCOUNT_NAME_CHARACTERS)
EMAIL = Kind(_email, {"type": "string", "format": "email"})


_LIKE_BOOLEANS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}


def _boolean(node: Node, report: Report) -> Sited[bool] | None:
    match node:
        case Items(items=(single,)):  # files in use say [True]; its element is meant
            return _boolean(single, report)
        case Text(text="true" | "True" | "TRUE", plain=True):
            return Sited(value=True, place=node.place)
        case Text(text="false" | "False" | "FALSE", plain=True):
            return Sited(value=False, place=node.place)
        case Text() if (text := _text(node, report)) is not None:
            message = f"{text.text!r} is neither true nor false"
            meant = _LIKE_BOOLEANS.get(text.text.lower(), "true or false")
            report.error(text.place, Code.BAD_BOOLEAN, message, f"write {meant}, without quotes")
        case Items() | Fields():
            report.error(node.place, Code.BAD_BOOLEAN, "this is neither true nor false", "write true or false")
        case _:
            pass
    return None


_BOOLEAN_SCHEMA = {"type": "boolean"}
BOOLEAN = Kind(
    _boolean, {"oneOf": [_BOOLEAN_SCHEMA, {"type": "array", "items": _BOOLEAN_SCHEMA, "minItems": 1, "maxItems": 1}]}
)


def count_between(low: int, high: int) -> Kind[Sited[int]]:
    """Whole numbers from `low` to `high`."""

    def read(node: Node, report: Report) -> Sited[int] | None:
        if (text := _text(node, report)) is None:
            return None
        # Without a leading zero, which YAML 1.1 reads as octal.
        if text.plain and re.fullmatch("0|[1-9][0-9]{0,8}", text.text) and low <= int(text.text) <= high:
            return Sited(int(text.text), text.place)
        message = f"{text.text!r} is not a whole number from {low} to {high}"
        report.error(text.place, Code.BAD_NUMBER, message, "write the digits, without quotes")
        return None

    return Kind(read, {"type": "integer", "minimum": low, "maximum": high})


def _date(node: Node, report: Report) -> Sited[date] | None:
    if (text := _text(node, report)) is None:
        return None
    hint = "write the last day of access as YYYY-MM-DD, or leave the field out if there is none"
    # fromisoformat alone would also take 20310102 and 2031-W01-4; the day after the last one must exist, too.
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text.text) and not text.text.startswith("9999"):
        try:
            return Sited(date.fromisoformat(text.text), text.place)
        except ValueError:
            pass  # such as 30 February
    report.error(text.place, Code.BAD_DATE, f"{text.text!r} is not a date to end on", hint)
    return None


DATE = Kind(_date, {"type": "string", "format": "date"})


def choice_of(*choices: str) -> Kind[Sited[str]]:
    """One of these words."""

    def read(node: Node, report: Report) -> Sited[str] | None:
        if (text := _text(node, report)) is None:
            return None
        if text.text in choices:
            return Sited(text.text, text.place)
        near = get_close_matches(text.text.lower(), choices, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"write {' or '.join(choices)}"
        report.error(text.place, Code.BAD_CHOICE, f"{text.text!r} is not allowed here", hint)
        return None

    return Kind(read, {"enum": list(choices)})


def list_of(kind: Kind[T], *, whole: bool = False) -> Kind[tuple[T, ...]]:
    """Lists with at least one element; with `whole`, nothing unless every element is right."""

    def read(node: Node, report: Report) -> tuple[T, ...] | None:
        if not isinstance(node, Items):
            hint = "write each on a line of its own, after `- `"
            report.error(node.place, Code.WRONG_SHAPE, "this must be a list", hint)
            return None
        if not node.items:
            report.error(node.place, Code.NO_VALUE, "the list is empty", "write at least one, or remove the field")
            return None
        read_items = [kind.read(item, report) for item in node.items]
        values = tuple(item for item in read_items if item is not None)
        return None if whole and len(values) < len(read_items) else values

    return Kind(read, {"type": "array", "items": kind.schema, "minItems": 1})


def one_or_list_of(kind: Kind[T], *, may_be_empty: bool = False) -> Kind[tuple[T, ...]]:
    """One value, or a list of them; `may_be_empty` tells editors that whoever takes the field accepts none, too."""

    def read(node: Node, report: Report) -> tuple[T, ...] | None:
        if isinstance(node, Items):
            return list_of(kind).read(node, report)
        value = kind.read(node, report)
        return None if value is None else (value,)

    items = {**list_of(kind).schema, "minItems": 0 if may_be_empty else 1}
    return Kind(read, {"oneOf": [kind.schema, items, *([{"type": "null"}] if may_be_empty else [])]})


def mapping_of(keys: Kind[Sited[T]], values: Kind[Sited[str]]) -> Kind[tuple[tuple[Sited[T], Sited[str]], ...]]:
    """Mappings; what is wrong in it is left out of the value, and reported."""

    def read(node: Node, report: Report) -> tuple[tuple[Sited[T], Sited[str]], ...] | None:
        if not isinstance(node, Fields):
            report.error(node.place, Code.WRONG_SHAPE, "this must be a mapping", "write lines of `key: value`")
            return None
        pairs = [(keys.read(key, report), values.read(value, report)) for key, value in node.entries]
        return tuple((key, value) for key, value in pairs if key is not None and value is not None)

    return Kind(read, {"type": "object", "propertyNames": keys.schema, "additionalProperties": values.schema})


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


def _outsider(node: Node, report: Report) -> Sited[Outsider] | None:
    if (text := _text(node, report)) is None:
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
            return Sited(parse(text.text), text.place)
    try:
        return Sited(RoleArn(text.text), text.place)
    except InvalidNameError as error:
        session = _SESSION.fullmatch(text.text)
        hint = _session_advice(session[1], session[2]) if session else error.hint
        report.error(text.place, Code.BAD_NAME, str(error), hint)
        return None


_OUTSIDERS = "|".join(each.pattern.pattern for each in (RoleArn, UserArn, AccountRootArn))
_LONG_PATH = f"arn:[^/]*/.{{{IAM_PATH_CHARACTERS - 1},}}/"
_SSO_WITHOUT_PATH = f"arn:[^/]*(?!{re.escape(SSO_PATH)})/(?:.*/)?{SSO_PREFIX}"
OUTSIDER = Kind(_outsider, {"type": "string", "pattern": f"^(?!{_LONG_PATH}|{_SSO_WITHOUT_PATH})({_OUTSIDERS})$"})
