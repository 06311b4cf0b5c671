"""The mapping of one file → its draft, and findings about single fields; pure."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import PlatformDraft, PullDraft, PushDraft
from data_exports.estate.findings import Report
from data_exports.estate.nodes import Fields, Items, Node, Text
from data_exports.estate.values import Sited

T = TypeVar("T")


def draft_platform(top: Fields, report: Report) -> PlatformDraft:
    """The platform of ``exports.yaml``, whose only field is ``platform``."""
    settings = Fields(top.place, ())
    for key, value in top.entries:
        if key.text != "platform":
            known = {field.name for field in f.PLATFORM_FIELDS}
            hint = "move it below `platform:`" if key.text in known else "remove it"
            report.error(key.place, Code.UNKNOWN_FIELD, f"exports.yaml has no field {key.text!r}", hint)
        elif isinstance(value, Fields):
            settings = value
        else:
            hint = "indent the settings below `platform:`"
            report.error(value.place, Code.WRONG_SHAPE, "`platform` must be a mapping of settings", hint)
            return PlatformDraft(place=top.place, alerts=())
    if not settings.entries:
        hint = "add `platform:`, with the settings indented below it"
        report.error(top.place, Code.MISSING_FIELD, "`platform` is missing", hint)
        return PlatformDraft(place=top.place, alerts=())
    file = _File(settings, f.PLATFORM_FIELDS, report)
    paperwork = file.take(f.PAPERWORK_POLICY)
    recovery_days = file.take(f.RECOVERY_DAYS)
    large_file_mib = file.take(f.LARGE_FILE_MIB)
    return PlatformDraft(
        place=settings.place,
        account=file.take(f.PLATFORM_ACCOUNT),
        region=file.take(f.REGION),
        hub_bucket=file.take(f.HUB_BUCKET),
        pull_bucket_prefix=file.take(f.PULL_BUCKET_PREFIX),
        user_roles=file.take(f.USER_ROLES),
        accounts=file.take(f.ACCOUNTS) or (),
        paperwork="required" if paperwork and paperwork.value == "required" else "warn",
        recovery_days=recovery_days.value if recovery_days else 7,
        large_file_mib=large_file_mib.value if large_file_mib else 256,
        alerts=(file.take(f.ALERTS) or ()) if file.has(f.ALERTS) else None,
        mail_domains=file.take(f.MAIL_DOMAINS) or (),
        tags=file.take(f.TAGS) or (),
    )


def draft_push(top: Fields, report: Report) -> PushDraft:
    """One file of ``push_datasets``."""
    file = _File(top, f.PUSH_FIELDS, report, elsewhere={"pull_datasets": f.PULL_FIELDS})
    return PushDraft(
        **_shared(file),
        target_bucket=file.take(f.TARGET_BUCKET),
        target_account=file.take(f.TARGET_ACCOUNT),
        names_account=file.has(f.TARGET_ACCOUNT),
        keep_files=_truth(file.take(f.KEEP_FILES)),
        target_kms_key=file.take(f.TARGET_KMS_KEY),
        max_concurrency=file.take(f.MAX_CONCURRENCY),
    )


def draft_pull(top: Fields, report: Report) -> PullDraft:
    """One file of ``pull_datasets``."""
    ignored = {"bucket": "has no effect: the bucket of a pull dataset is named after the dataset"}
    file = _File(top, f.PULL_FIELDS, report, elsewhere={"push_datasets": f.PUSH_FIELDS}, ignored=ignored)
    return PullDraft(
        **_shared(file),
        outsiders=file.take(f.PULL_ARNS) or (),
        allow_push=_truth(file.take(f.ALLOW_PUSH)),
        bucket_versioning=_truth(file.take(f.BUCKET_VERSIONING)),
    )


def _shared(file: "_File") -> dict[str, Any]:
    # A bare `paperwork:` is in files in use, and says what a missing one says.
    paperwork = file.take(f.PAPERWORK) if file.has_value(f.PAPERWORK) else ()
    return {
        "place": file.place,
        "name": file.take(f.NAME),
        "users": file.take(f.USERS) or (),
        "paperwork": paperwork,
        "owner": file.take(f.OWNER),
        "description": file.take(f.DESCRIPTION),
        "expires": file.take(f.EXPIRES),
    }


def _truth(value: Sited[bool] | None) -> bool:
    return value is not None and value.value


class _File:
    """The fields of one mapping, taken by the table's entry; fields that no entry names are reported at once."""

    def __init__(
        self,
        mapping: Fields,
        known: tuple[f.Field[Any], ...],
        report: Report,
        *,
        elsewhere: Mapping[str, tuple[f.Field[Any], ...]] | None = None,
        ignored: Mapping[str, str] | None = None,
    ) -> None:
        self.place = mapping.place
        self._entries = {key.text: (key, value) for key, value in mapping.entries}
        self._report = report
        names = [name for field in known for name in (field.name, field.older) if name]
        for key, _ in mapping.entries:
            if key.text in (ignored or {}):
                report.warning(key.place, Code.IGNORED_FIELD, f"{key.text!r} {(ignored or {})[key.text]}", "remove it")
            elif key.text not in names:
                hint = _place_for(key.text, elsewhere or {}) or _nearest(key.text, [field.name for field in known])
                report.error(key.place, Code.UNKNOWN_FIELD, f"there is no field {key.text!r}", hint)

    def has(self, field: f.Field[Any]) -> bool:
        """Whether the field is there, with a value or without."""
        return field.name in self._entries or field.older in self._entries

    def has_value(self, field: f.Field[Any]) -> bool:
        """Whether the field is there, and not empty."""
        match self._find(field):
            case None | Items(items=()):
                return False
            case Text() as text:
                return not text.is_empty
            case _:
                return True

    def take(self, field: f.Field[T]) -> T | None:
        """The field's value; ``None``, and a finding if there should be one, when it has none."""
        node = self._find(field)
        if node is None:
            if field.required:
                message = f"the required field {field.name!r} is missing"
                self._report.error(self.place, Code.MISSING_FIELD, message, f"add `{field.name}:`. {field.meaning}")
            return None
        if field.name in self._entries and field.older in self._entries:
            message = f"{field.older!r} is an older spelling of {field.name!r}; both are here"
            place = self._entries[field.older][0].place
            self._report.error(place, Code.BOTH_SPELLINGS, message, f"keep {field.name!r}")
        if isinstance(node, Text) and node.is_empty:
            message = f"{field.name!r} has no value"
            self._report.error(node.place, Code.NO_VALUE, message, f"write one, or remove the line. {field.meaning}")
            return None
        return field.kind.read(node, self._report)

    def _find(self, field: f.Field[Any]) -> Node | None:
        for name in (field.name, field.older):
            if name in self._entries:
                return self._entries[name][1]
        return None


def _nearest(word: str, names: list[str]) -> str:
    near = get_close_matches(word.lower().replace("-", "_"), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"the fields are: {', '.join(names)}"


def _place_for(word: str, elsewhere: Mapping[str, tuple[f.Field[Any], ...]]) -> str:
    for folder, known in elsewhere.items():
        if word in {field.name for field in known}:
            return f"this is a field of files in {folder}"
    return ""
