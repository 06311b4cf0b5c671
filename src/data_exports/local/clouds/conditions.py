"""Conditions as the vendors write them, as far as the letters to recipients use them.

In: expressions. Out: what they let in. No effects. `ValueError`: an expression that is not known here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_CONTAINERS = _BLOBS.removesuffix("/blobs")
_OTHER_ACTION = re.compile(r"!\(ActionMatches\{'([^']+)'\}\)")
_BLOB_CONDITION = re.compile(
    r"\(\((?P<actions>[^@]+)\)\s+OR\s+\("
    rf"@Resource\[{_CONTAINERS}:name\]\s+StringEquals\s+'(?P<container>[^']+)'\s+AND\s+"
    rf"@Resource\[{_BLOBS}:path\]\s+StringStartsWith\s+'(?P<prefix>[^']+)'\)\)"
)
_OBJECT_PREFIX = re.compile(
    r'resource\.name\.startsWith\("projects/_/buckets/(?P<bucket>[^/"]+)/objects/(?P<prefix>[^"]*)"\)'
)
_SUBJECTS = re.compile(r'assertion\.sub\s+in\s+\[(?P<many>("[^"]*"(,\s*)?)+)\]|assertion\.sub\s*==\s*(?P<one>"[^"]*")')


@dataclass(frozen=True)
class BlobCondition:
    """Of a role's assignment: actions that are held to a container and to a prefix of its blobs."""

    actions: Sequence[str]
    container: str
    prefix: str

    def lets(self, action: str, container: str, blob: str) -> bool:
        """Whether it lets the action be taken on the blob."""
        held = action in self.actions
        return not held or (container == self.container and blob.startswith(self.prefix))


def blob_condition_of(expression: str) -> BlobCondition | None:
    """A condition of Azure's; None for none.

    https://learn.microsoft.com/azure/role-based-access-control/conditions-format
    """
    if not expression:
        return None
    found = _BLOB_CONDITION.fullmatch(expression.strip())
    each = [part.strip() for part in re.split(r"\s+AND\s+", found["actions"])] if found else []
    held = [_OTHER_ACTION.fullmatch(part) for part in each]
    if found is None or not all(held):
        raise ValueError("the stand-in knows no such condition of a role's assignment")
    return BlobCondition([part[1] for part in held if part], found["container"], found["prefix"])


def object_prefix_of(expression: str) -> tuple[str, str] | None:
    """Bucket and prefix to which a binding of Google's is held; None for neither.

    https://cloud.google.com/iam/docs/conditions-resource-attributes#resource-name
    """
    if not expression:
        return None
    found = _OBJECT_PREFIX.fullmatch(expression.strip())
    if found is None:
        raise ValueError("the stand-in knows no such condition of a binding")
    return found["bucket"], found["prefix"]


def subjects_let_in(expression: str) -> Sequence[str] | None:
    """Whom a provider of Google's lets in; None for everybody whom its issuer vouches for.

    https://cloud.google.com/iam/docs/workload-identity-federation#conditions
    """
    if not expression:
        return None
    found = _SUBJECTS.fullmatch(expression.strip())
    if found is None:
        raise ValueError("the stand-in knows no such attribute condition")
    return re.findall(r'"([^"]*)"', found["many"] or found["one"])
