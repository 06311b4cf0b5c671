"""JSON Schemas (draft 2020-12) of every envelope, from the types of the data that are printed.

In: a question. Out: its schema. Effects: `python -m data_exports.views.schemas DIR` writes all of them. A schema allows
fields that it does not know: later versions of this program may add some without another number.
"""

import builtins
import sys
from collections import abc
from datetime import date, datetime
from enum import Enum
from inspect import getdoc
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from data_exports.deploy.plan.plan_data import PlanData
from data_exports.deploy.plan.plan_file import PlanFileData
from data_exports.json_values import json_shapes_of
from data_exports.operate.access_logs import AccessRecord
from data_exports.operate.bundles.checking import BundleVerification
from data_exports.operate.canary.run import Report
from data_exports.operate.file_match import FileVerification
from data_exports.operate.history import HistoryEntry
from data_exports.operate.probe.findings import Probed
from data_exports.operate.verifying import Verification
from data_exports.reviews.closing import Closed
from data_exports.text import json_text
from data_exports.views.bundle.summary import BundleData
from data_exports.views.canary import CanariesData
from data_exports.views.cancel import CancelData, CancelMessageData
from data_exports.views.deployment import DeployData, DestroyData
from data_exports.views.drift import DriftData
from data_exports.views.envelope import schema_name_of
from data_exports.views.error import ErrorData
from data_exports.views.evidence import EvidenceKeyData, WitnessLetterData
from data_exports.views.failures import FailuresData
from data_exports.views.files import CheckData, FmtData, InitData, NewData, SchemaData
from data_exports.views.handover.changes import HandoverChangesData
from data_exports.views.handover.data import HandoverData
from data_exports.views.local import DemoData, LocalEnvData, LocalStatusData
from data_exports.views.platforms import PlatformsData
from data_exports.views.purge import KeptData, PurgeData
from data_exports.views.redrive import RedriveData
from data_exports.views.register.summary import RegisterData
from data_exports.views.repair import RepairData
from data_exports.views.review import ReviewData, ReviewStatusData
from data_exports.views.send import SentData
from data_exports.views.status import StatusData
from data_exports.views.who import UsesData, WhoData

QUESTIONS: abc.Mapping[str, type] = {
    "canaries": CanariesData,
    "canary": Report,
    "cancel": CancelData,
    "cancel-message": CancelMessageData,
    "access": AccessRecord,
    "check": CheckData,
    "demo": DemoData,
    "deploy": DeployData,
    "destroy": DestroyData,
    "drift": DriftData,
    "error": ErrorData,
    "evidence-bundle": BundleData,
    "evidence-key": EvidenceKeyData,
    "evidence-witness": WitnessLetterData,
    "failures": FailuresData,
    "fmt": FmtData,
    "handover": HandoverData,
    "handover-changes": HandoverChangesData,
    "history": HistoryEntry,
    "init": InitData,
    "kept": KeptData,
    "local-env": LocalEnvData,
    "local-status": LocalStatusData,
    "new": NewData,
    "plan": PlanData,
    "plan-file": PlanFileData,
    "probe": Probed,
    "purge": PurgeData,
    "redrive": RedriveData,
    "register": RegisterData,
    "repair": RepairData,
    "review": ReviewData,
    "review-close": Closed,
    "review-status": ReviewStatusData,
    "schema": SchemaData,
    "send": SentData,
    "status": StatusData,
    "use": PlatformsData,
    "uses": UsesData,
    "verify": Verification,
    "verify-file": FileVerification,
    "verify-bundle": BundleVerification,
    "who": WhoData,
}
_PLAIN: abc.Mapping[object, dict[str, object]] = {
    NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    Path: {"type": "string"},
    object: {},
    Any: {},
}


def json_schema_of(question: str) -> dict[str, object]:
    """The schema of the envelope of one question."""
    named: dict[str, dict[str, object]] = {}
    whole: Any = _object(QUESTIONS[question], named)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema_name_of(question),
        **whole,
        "properties": {"schema": {"const": schema_name_of(question)}, **whole["properties"]},
        "required": ["schema", *whole["required"]],
        **({"$defs": dict(sorted(named.items()))} if named else {}),
    }


def _object(kind: type, named: dict[str, dict[str, object]]) -> dict[str, object]:
    shapes: list[dict[str, object]] = [
        {
            "type": "object",
            "properties": {name: _schema_of(each, named) for name, each in types.items()},
            "required": list(types),
        }
        for types in json_shapes_of(kind)
    ]
    return {"description": " ".join((getdoc(kind) or "").split()), **_any_of(shapes)}


def _schema_of(kind: Any, named: dict[str, dict[str, object]]) -> dict[str, object]:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    match origin:
        case None:
            return _schema_of_class(kind, named)
        case builtins.list | builtins.tuple | abc.Sequence:
            return {"type": "array", "items": _schema_of(inner[0], named)}
        case builtins.dict | abc.Mapping:
            return {"type": "object", "additionalProperties": _schema_of(inner[1], named)}
    return {"enum": list(inner)} if origin is Literal else _any_of([_schema_of(each, named) for each in inner])


def _any_of(kinds: list[dict[str, object]]) -> dict[str, object]:
    different = [each for number, each in enumerate(kinds) if each not in kinds[:number]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _schema_of_class(kind: type, named: dict[str, dict[str, object]]) -> dict[str, object]:
    if issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    if issubclass(kind, str):
        return {"type": "string"}
    if kind.__name__ not in named:
        named[kind.__name__] = {}
        named[kind.__name__] = _object(kind, named)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def write_schemas(folder: Path) -> None:
    """Write the schema of each question into a folder that holds nothing else."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for question in QUESTIONS:
        (folder / f"{question}-1.json").write_text(json_text(json_schema_of(question), indent=2) + "\n")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
