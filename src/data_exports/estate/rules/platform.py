"""Rules on the settings in ``exports.yaml``."""

import re
from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.email_addresses import address_in, is_address
from data_exports.estate.field_types import Located
from data_exports.estate.findings import Finding, warning
from data_exports.estate.lookalikes import folded
from data_exports.limits import BUCKET_NAME_CHARACTERS
from data_exports.names import AccountId, InvalidNameError, evidence_bucket_of, log_bucket_of

PLATFORM_TAGS = 40
"""Ours: of the 50 tags a stack may have, ten are kept for the product's own."""

TAG_KEY_CHARACTERS = 128
TAG_VALUE_CHARACTERS = 256
TAG_TEXT = re.compile(r"[\w .:/=+@-]*")
"""https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""


FIXED_LETTERS = 3
"""Ours: with fewer letters at its beginning, a pattern fits roles that nobody had in mind."""


def check_user_roles_are_narrow(draft: EstateDraft) -> Iterator[Finding]:
    """A pattern that fits every role, or nearly so, would let a dataset file grant data to any of them."""
    for pattern in draft.setting(f.USER_ROLES) or ():
        beginning = re.split(r"[*?]", pattern.value)[0]
        if beginning != pattern.value and sum(map(str.isalpha, beginning)) < FIXED_LETTERS:
            what = "every role of the account" if not pattern.value.strip("*?") else "roles of all kinds"
            message = f"{pattern.value!r} allows {what}"
            hint = f"write what the names of user roles begin with, {FIXED_LETTERS} letters at least, before any * or ?"
            yield Finding(pattern.place, Code.WIDE_ROLE_PATTERN, message, hint)


def check_account_names(draft: EstateDraft) -> Iterator[Finding]:
    """What people read for an account must not be taken for another one, whatever letters it is written in."""
    first: dict[str, Located[AccountId]] = {}
    for account, name in draft.setting(f.ACCOUNTS) or ():
        looks = " ".join(folded(name.value).split())
        other = first.setdefault(looks.translate(_DRAWN_AS_ONE), account)
        if other is not account:
            message = f"{name.value!r} is the name of account {other.value}, too, or looks like it"
            yield Finding(name.place, Code.SAME_ACCOUNT_NAME, message, "give each account a name of its own")
        ids = _ACCOUNT_ID.findall(re.sub(r"(?<=[0-9])[^\w]+(?=[0-9])", "", looks))
        if strangers := [each for each in ids if each != account.value]:
            message = f"{name.value!r}, the name of account {account.value}, holds the id {strangers[0]}"
            hint = "leave ids out of names: every message shows the account's own"
            yield Finding(name.place, Code.OTHER_ACCOUNT_IN_NAME, message, hint)


_DRAWN_AS_ONE = str.maketrans("i10", "llo")
_ACCOUNT_ID = re.compile("(?<![0-9])[0-9]{12}(?![0-9])")


def check_tags(draft: EstateDraft) -> Iterator[Finding]:
    """Number, lengths and characters of tags, as AWS limits them."""
    tags = draft.setting(f.TAGS) or ()
    seen: set[str] = set()
    for number, (key, value) in enumerate(tags, start=1):
        if number == PLATFORM_TAGS + 1:
            message = f"there are {len(tags)} tags, more than {PLATFORM_TAGS}"
            hint = "remove some: a stack holds 50, and some are the product's own"
            yield Finding(key.place, Code.BAD_TAG, message, hint)
        yield from _check_tag_text(key, TAG_KEY_CHARACTERS)
        yield from _check_tag_text(value, TAG_VALUE_CHARACTERS)
        if key.value.lower().startswith("aws:"):
            message = f"{key.value!r}: AWS keeps names with aws: for itself"
            yield Finding(key.place, Code.BAD_TAG, message, "rename the tag")
        if key.value.lower() in seen:  # IAM takes two that differ in case only for one
            message = f"{key.value!r} differs from another tag in upper and lower case only"
            yield Finding(key.place, Code.BAD_TAG, message, "keep one of the two: IAM takes them for the same")
        seen.add(key.value.lower())


def _check_tag_text(text: Located[str], most: int) -> Iterator[Finding]:
    if len(text.value) > most:
        message = f"this has {len(text.value)} characters, AWS allows {most}"
        yield Finding(text.place, Code.BAD_TAG, message, "shorten it")
    elif not TAG_TEXT.fullmatch(text.value):
        message = f"{text.value!r} holds a character that AWS does not allow in tags"
        yield Finding(text.place, Code.BAD_TAG, message, "use letters, digits, spaces and . : / = + - @ _")


def check_alerts(draft: EstateDraft) -> Iterator[Finding]:
    """Failures should reach somebody, and everybody once."""
    if draft.platform is None:
        return
    if f.ALERTS not in draft.platform:
        hint = "add `alerts:` with the address of the people who repair deliveries"
        yield warning(draft.platform.place, Code.NO_ALERTS, "nobody is told when a delivery fails", hint)
    seen: set[str] = set()
    for address in draft.platform[f.ALERTS] or ():
        if address.value.lower() in seen:
            yield Finding(address.place, Code.TWICE, f"{address.value} is listed twice", "keep one of the two")
        seen.add(address.value.lower())


def check_contact(draft: EstateDraft) -> Iterator[Finding]:
    """Letters should say whom to ask."""
    if draft.platform is not None and f.CONTACT_OF_PLATFORM not in draft.platform:
        hint = "add `contact:` with an e-mail address or a page (https://...) that recipients can turn to"
        yield warning(draft.platform.place, Code.NO_CONTACT, "letters to recipients name nobody to turn to", hint)


def check_owners_addresses(draft: EstateDraft) -> Iterator[Finding]:
    """An owner's address is told of failures, as those of the platform's `alerts` are."""
    for owner in filter(None, (dataset[f.OWNER] for dataset in draft.push)):
        address = address_in(owner.value)
        if address and not is_address(address):
            hint = "write one such as data-engineering@example.gov.uk, in plain Latin letters"
            yield Finding(owner.place, Code.BAD_EMAIL, f"{address!r} is not an e-mail address", hint)


def check_log_bucket_name(draft: EstateDraft) -> Iterator[Finding]:
    """The log bucket is named after the hub, and must have a valid name, too; so is that of the evidence."""
    hub = draft.setting(f.HUB_BUCKET)
    if hub is None:
        return
    evidence = [("evidence", evidence_bucket_of)] if draft.setting(f.EVIDENCE) else []
    for word, bucket_of in [*evidence, ("log", log_bucket_of)]:
        try:
            bucket_of(hub.value)
        except InvalidNameError:
            message = f"the {word} bucket '{hub.value}-{word}' would have more than {BUCKET_NAME_CHARACTERS} characters"
            hint = f"use at most {BUCKET_NAME_CHARACTERS - len(f'-{word}')} characters for the hub"
            yield Finding(hub.place, Code.LONG_HUB, message, hint)
            return
