"""What a change set of ours is called: from which commit whoever deployed said that it came.

In: a template's digest, a commit. Out: the name, and back. No effects. CloudFormation keeps the name of the change set
that a stack was last made or changed by, and tells it with the stack; so the commit needs no place in a template, which
is the same for the same declarations whatever the commit. It is a claim: whoever deploys may name any.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html (ChangeSetId)
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html (ChangeSetName)
"""

import re
from dataclasses import dataclass

_DIGEST_DIGITS = 12
_EDITED = "-edited"
_NAME = re.compile(
    rf"exports-([0-9a-f]{{{_DIGEST_DIGITS}}})-[0-9a-f]{{8}}(?:-([0-9a-f]{{40}}|[0-9a-f]{{64}})({_EDITED})?)?"
)


@dataclass(frozen=True, slots=True)
class ClaimedCommit:
    """The commit that a deployment is said to come from."""

    commit_id: str
    """Of git, 40 hexadecimal digits, or 64."""
    is_edited: bool = False
    """Whether the files were not all as that commit has them."""


def change_set_name(digest: str, unique: str, commit: ClaimedCommit | None) -> str:
    """A name for the change set that brings a template of this digest; `unique`: 8 hexadecimal digits."""
    claim = f"-{commit.commit_id}{_EDITED * commit.is_edited}" if commit else ""
    return f"exports-{digest[:_DIGEST_DIGITS]}-{unique}{claim}"


def claimed_commit(name: str, digest: str) -> ClaimedCommit | None:
    """What the name of the change set says that brought the template of this digest; None where it says nothing."""
    found = _NAME.fullmatch(name)
    if not found or not found[2] or found[1] != digest[:_DIGEST_DIGITS]:
        return None
    return ClaimedCommit(found[2], bool(found[3]))
