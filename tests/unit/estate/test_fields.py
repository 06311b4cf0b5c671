"""The table of fields and the models are of one mind: names, defaults, and the types of what is read."""

from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from data_exports.estate.fields import KEEP_FILES, PLATFORM_FIELDS, PUSH_FIELDS
from data_exports.estate.file_kinds import FILE_KINDS, PUSH, FileKind
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Platform, PushDataset
from tests import ssh_keys
from tests.unit.estate import written

SHARED = "description: What it is\nowner: Ana\nexpires: 2035-03-31\n"
KEY = "arn:aws:kms:eu-west-1:754256621582:key/11111111-2222-3333-4444-555555555555"
FULL = {
    "platform": written.PLATFORM
    + '  accounts: {"754256621582": Cloud Platform}\n  paperwork: required\n  review_every: 6\n'
    + "  audit: cloudtrail\n  sftp: true\n"
    + '  evidence: {lock_days: 30, mode: compliance, witness: s3://their-heads/ours, witness_account: "112233445566"}\n'
    + "  receipts_days: 400\n  recovery_days: 30\n"
    + "  large_file_mib: 64\n  mail_domains: [example.gov.uk]\n  tags: {owner: ana}\n",
    "push": f"{written.PUSH}{SHARED}target_kms_key: {KEY}\nkeep_files: true\nmax_concurrency: 9\n"
    "due: daily by 06:00 Europe/London\nexcept: [2031-12-25, 2031-12-26]\n",
    "pull": f"{written.PULL}{SHARED}allow_push: true\nbucket_versioning: true\n"
    f"sftp_readers: [{{name: meridian, keys: [{ssh_keys.ED25519}]}}]\n"
    'pull_identities: [google_transfer: {subject: "104320958746283910576"}]\n',
}


def _fits(value: object, hint: Any) -> bool:
    match get_origin(hint), get_args(hint):
        case None, _:
            return isinstance(value, hint or type(None))
        case origin, choices if origin is Literal:
            return value in choices
        case origin, choices if origin in (UnionType, Union):
            return any(_fits(value, choice) for choice in choices)
        case _, (item, last) if last is ...:
            return isinstance(value, tuple) and all(_fits(each, item) for each in value)
        case _, items:
            return isinstance(value, tuple) and all(map(_fits, value, items))


@pytest.mark.parametrize("kind", FILE_KINDS, ids=lambda kind: kind.name)
def test_what_is_read_has_the_type_that_the_model_says(kind: FileKind[Any], tmp_path: Path) -> None:
    estate = load_estate(written.write_estate(tmp_path, **FULL), today=written.TODAY).require()
    (model,) = (each for each in (estate.platform, *estate.datasets()) if isinstance(each, kind.model))
    for field in kind.fields:
        *parts, attribute = field.attribute.split(".")
        holder = getattr(model, parts[0]) if parts else model
        value = getattr(holder, attribute)
        assert value != field.default, f"the example gives {field.name} another value than its default"
        assert _fits(value, get_type_hints(type(holder))[attribute]), field.name


def test_a_table_that_does_not_fit_its_model_is_refused_when_it_is_made() -> None:
    with pytest.raises(TypeError, match=r"table of fields and Platform differ in: keep_files, tags$"):
        FileKind("platform", "", (*PLATFORM_FIELDS[:-1], KEEP_FILES), Platform)
    fewer = tuple(field for field in PUSH_FIELDS if field.attribute != "destination.bucket")
    with pytest.raises(TypeError, match=r"table of fields and PushDataset differ in: destination.bucket$"):
        FileKind("push", "", fewer, PushDataset, parts=PUSH.parts)


def test_another_default_than_the_tables_is_refused() -> None:
    fields = tuple(replace(each, default=6) if each.default == 5 else each for each in PUSH_FIELDS)
    with pytest.raises(TypeError, match=r"differ in: max_concurrency$"):
        FileKind("push", "", fields, PushDataset, parts=PUSH.parts)
