"""The handover as a letter: to send as it is to the owner of the other side.

In: a half of a handover. Out: text, lines of at most 100 characters apart from policies, ARNs and commands. Effects:
none. What people declared stands in quotes, on lines that Markdown takes for code, or in code.
"""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from data_exports.destinations.half import BETWEEN_ACCOUNTS
from data_exports.estate.models import Dataset, Platform
from data_exports.instructions import Instruction
from data_exports.names import AccountId
from data_exports.operate.handover.halves import (
    Half,
    Reading,
    ReadingOutside,
    Receiving,
    SftpReading,
    TokenReading,
    owner_of,
)
from data_exports.readers.sftp import NO_ADDRESS
from data_exports.text import code_span, json_text, quoted

WIDTH = 100
_STEP = " " * 3
"""Before the lines of a numbered step."""
_INDENT = " " * 7
"""Before the lines of a policy."""


def letter_of(half: Half) -> str:
    """The half as a letter."""
    match half:
        case Receiving():
            parts = _to_recipient(half)
        case Reading():
            parts = _to_reader(half)
        case TokenReading() | SftpReading():
            parts = _to_reader_outside(half)
    return "\n\n".join(parts)


# --- to the owner of a destination -----------------------------------------------------------------------------------


def _to_recipient(whole: Receiving) -> Iterator[str]:
    push, platform, half = whole.dataset, whole.platform, whole.theirs
    us = account_in_code(platform, platform.account)
    yield f"Subject: Data export {push.name}: please let it into your {half.noun} {half.name}"
    yield address_of(whole)
    yield wrapped(f"{us} is to deliver the dataset {push.name} to your {half.noun}. {half.premise} {_OUR_HALF}")
    yield _agreed(push, platform)
    yield "WHAT WILL ARRIVE, AND WHERE"
    yield wrapped(f"{half.arrival} It is written by this role, and by nothing else:")
    yield f"    {whole.mover_role}"
    yield wrapped(half.confined)
    yield "WHAT WE ASK YOU TO DO"
    yield from numbered(whole.steps)
    yield "HOW TO SEE THAT IT WORKS"
    yield wrapped(
        f"{tell_us(platform)} when it is done. We then try every call that a delivery makes, with the role itself, "
        f"and tell you what is missing, if anything. That leaves at most one small object, {half.probe_object}, "
        "which you may remove. Files that are sent before that are not lost: they wait on our side."
    )
    if half.commands:
        yield wrapped("With your own rights, this shows what is in place, and what has arrived:")
        yield textwrap.indent("\n".join(half.commands), "    ")
    if half.ending:
        yield "HOW TO END IT"
        ends = f"Our side ends it by itself with {push.expires}, in UTC. " if push.expires else ""
        yield wrapped(f"{ends}Yours stays until you take it away, at any time, and without asking us.")
        yield from ("\n\n".join(_parts_of(each)) for each in half.ending)


# --- to the owner of an outside role ---------------------------------------------------------------------------------


def _to_reader(half: Reading) -> Iterator[str]:
    pull, platform = half.dataset, half.platform
    may = "read and write" if pull.allow_push else "read"
    yield f"Subject: Data export {pull.name}: how to {may} s3://{half.bucket}"
    yield address_of(half)
    yield wrapped(
        f"{account_in_code(platform, platform.account)} shares the dataset {pull.name} with you: you may {may} the "
        f"bucket {half.bucket} in region {platform.region}. {BETWEEN_ACCOUNTS} {_OUR_HALF}"
    )
    yield _agreed(pull, platform)
    yield "WHAT WE ASK YOU TO DO"
    yield from numbered(half.steps)
    yield "HOW TO USE IT"
    yield wrapped(f"As one of the above, from anywhere, over TLS 1.2 or newer; the region is {platform.region}:")
    yield textwrap.indent(_commands(half), "    ")
    yield "HOW TO SEE THAT IT WORKS"
    yield wrapped(
        "The first command shows as whom you ask, the second what is in the bucket. If it is refused although it is "
        f"one of the above who asks, {tell_us(platform, 't')} the time, and what the first one shows: we can check "
        "our half."
    )
    yield f"    aws sts get-caller-identity\n    aws s3 ls s3://{half.bucket}/ --region {platform.region}"
    yield "IF THE DATA IS READ FROM KUBERNETES"
    yield wrapped(
        "A pod acts as the IAM role that its service account is bound to. It is that role that must be named above. "
        "This shows its ARN, for a service account with an IAM role (IRSA) and for EKS Pod Identity; inside a running "
        "pod, `echo $AWS_ROLE_ARN` or `aws sts get-caller-identity` does:"
    )
    yield textwrap.indent(_KUBERNETES, "    ")
    yield "WHAT TO KNOW"
    yield wrapped(
        "Only what is named above gets in. A role that is deleted and made again under the same name and path keeps "
        "its access; under another name it needs a changed declaration, so tell us first."
    )


def _commands(half: Reading) -> str:
    pull, region = half.dataset, half.platform.region
    lines = [f"aws s3 sync s3://{half.bucket}/ {pull.name}/ --region {region}"]
    if pull.allow_push:
        lines.append(f"aws s3 cp FILE s3://{half.bucket}/ --region {region}")
    lines += [
        "",
        "import boto3",
        f's3 = boto3.client("s3", region_name="{region}")',
        f's3.download_file("{half.bucket}", "KEY", "FILE")',
    ]
    return "\n".join(lines)


_KUBERNETES = r"""kubectl get serviceaccount NAME --namespace NAMESPACE \
  --output jsonpath='{.metadata.annotations.eks\.amazonaws\.com/role-arn}'
aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace NAMESPACE --service-account NAME"""


# --- to the owner of a reader outside AWS ----------------------------------------------------------------------------


def _to_reader_outside(half: ReadingOutside) -> Iterator[str]:
    pull, platform, guide = half.dataset, half.platform, half.guide
    is_by_sftp = isinstance(half, SftpReading)
    may = "read and write" if pull.allow_push and not is_by_sftp else "read"
    how = "by SFTP" if is_by_sftp else "from outside AWS"
    yield f"Subject: Data export {pull.name}: how to {may} s3://{half.bucket} {how}"
    yield address_of(half)
    yield wrapped(
        f"{account_in_code(platform, platform.account)} shares the dataset {pull.name} with you: you may {may} the "
        f"bucket {half.bucket} in region {platform.region}. {guide.premise}"
    )
    yield _agreed(pull, platform)
    yield "WHO GETS IN"
    yield from _by_tokens(half) if isinstance(half, TokenReading) else _by_key(half)
    yield "WHAT YOU NEED"
    yield wrapped(guide.needs)
    yield "WHAT WE ASK YOU TO DO"
    yield from numbered(guide.steps)
    yield "HOW TO USE IT"
    yield from ("\n\n".join(_parts_of(each)) for each in guide.use)
    yield "IF IT IS REFUSED"
    yield wrapped(f"{tell_us(platform)} the time, and what was answered; we can check our half. {guide.to_keep}")
    yield "WHAT TO KNOW"
    yield wrapped(guide.to_know)


def _by_tokens(half: TokenReading) -> Iterator[str]:
    yield wrapped("The tokens say of themselves, to the letter:")
    said = (("issuer (iss)", half.issuer), ("subject (sub)", half.subject), ("audience (aud)", half.audience))
    yield "\n".join(_row(title, text) for title, text in said if text)
    yield wrapped("The role is:")
    yield f"    {half.role}"
    yield wrapped("A session of it lasts an hour at most, and is asked for anew.")


def _by_key(half: SftpReading) -> Iterator[str]:
    address = half.server or NO_ADDRESS
    yield "\n".join(
        [
            _row("server", f"{address.host}, port 22"),
            _row("its host key", address.host_key),
            _row("user name", half.user),
            *(_row("your SSH key", key) for key in half.keys),
        ]
    )
    if half.server is None:
        yield wrapped(
            f"What {address.host} and {address.host_key} are, we tell you when the server is there; trust no other "
            "source for them."
        )


# --- in all ---------------------------------------------------------------------------------------------------------


def numbered(steps: Iterable[Instruction]) -> Iterator[str]:
    """The steps as parts of a letter."""
    for number, step in enumerate(steps, start=1):
        yield f"{number}." + "\n\n".join(_parts_of(step, _STEP))[len(_STEP) - 1 :]


def _parts_of(step: Instruction, indent: str = "") -> Iterator[str]:
    yield wrapped(step.asks, indent=indent)
    if step.document:
        yield _json(step.document)
    if step.lines:
        yield textwrap.indent("\n".join(step.lines), f"{indent}    ")
    if step.remark:
        yield wrapped(step.remark, indent=indent)


def address_of(half: Half) -> str:
    """To whom the letter goes."""
    account = owner_of(half)
    if isinstance(half, Reading):
        return f"To the owner of account {account_in_code(half.platform, half.account)}"
    if isinstance(half, SftpReading):
        return f"To the holder of the SSH key of {code_span(half.user)}"
    if isinstance(half, TokenReading):
        what, who = half.reader.words
        return f"To whoever answers for {what} {code_span(who)}"
    them = f" in account {account_in_code(half.platform, account)}" if account else ""
    return f"To the owner of the {half.theirs.noun} {half.theirs.name}{them}"


_OUR_HALF = "Our half comes from a reviewed declaration; this letter is about yours."


def tell_us(platform: Platform, first: str = "T") -> str:
    """How readers are asked to tell the platform something, with where."""
    return f"{first}ell us ({platform.contact})" if platform.contact else f"{first}ell us"


def _agreed(dataset: Dataset, platform: Platform) -> str:
    last = f"the last day is {dataset.expires}, in UTC; IAM itself ends it" if dataset.expires else ""
    rows = [
        ("what it is", dataset.description and quoted(on_one_line(dataset.description))),
        ("who answers for it", dataset.owner and quoted(dataset.owner)),
        ("agreed in", ", ".join(map(quoted, dataset.paperwork))),
        ("whom to ask", platform.contact),
        ("until", last or "no end is declared"),
    ]
    return "\n".join(_row(title, text) for title, text in rows if text)


def on_one_line(text: str) -> str:
    """A text of several lines, which a description may be, with spaces for their ends."""
    return text.replace("\n", " ")


def _row(title: str, text: str) -> str:
    first = f"    {title + ':':<20}"
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False)


def account_in_code(platform: Platform, account: AccountId) -> str:
    """The account by its name, in code: the letter may be sent where text is read as Markdown."""
    name = dict(platform.account_names).get(account)
    return f"{code_span(name)} ({account})" if name else str(account)


def _json(value: Any) -> str:
    return f"{_INDENT}{_compact(value, _INDENT)}"


def _compact(value: Any, indent: str) -> str:
    """JSON with everything on one line that fits on one: policies become half as long."""
    line = json_text(value)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json_text(key)}: {_compact(each, inner)}" for key, each in value.items()]
    else:
        parts = [_compact(each, inner) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(f"{inner}{part}" for part in parts) + f"\n{indent}{closing}"


def wrapped(text: str, *, indent: str = "") -> str:
    """The text in lines that fit a letter."""
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
