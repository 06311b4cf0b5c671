"""The recipient's half of a handover as values, of whatever kind: steps for people, blocks for Terraform, resources.

Effects: none. How they are written down is the views' matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_exports.instructions import Instruction

BETWEEN_ACCOUNTS = "Access between two AWS accounts needs both sides."


class Expression(str):
    """An expression of Terraform, which is written as it stands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TerraformBlock:
    """A block of Terraform: its type and labels, its arguments, the blocks within it, and a comment above it."""

    words: tuple[str, ...]
    arguments: Mapping[str, Any]
    blocks: tuple["TerraformBlock", ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that Terraform needs."""

    name: str
    source: str
    version: str
    """Which versions will do."""


AWS_PROVIDER = Provider("aws", "hashicorp/aws", ">= 4.0")
"""The first with `aws_s3_bucket_lifecycle_configuration`.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-4-upgrade"""


@dataclass(frozen=True, slots=True)
class RecipientHalf:
    """What the owner of a destination puts in place for one dataset, and what will happen then."""

    noun: str
    """What is theirs, such as ``bucket``."""
    name: str
    premise: str
    """Why they have something to do at all."""
    arrival: str
    """How files arrive."""
    confined: str
    """What the mover can do there, and what it cannot."""
    probe_object: str
    """The one object that a probe may leave."""
    steps: tuple[Instruction, ...]
    facts: Any
    """All of it for programs: a dataclass of the kind."""
    terraform: tuple[TerraformBlock, ...] = ()
    providers: tuple[Provider, ...] = ()
    """What Terraform needs for it."""
    commands: tuple[str, ...] = ()
    """With these the owner sees what is in place, and what has arrived."""
    ending: tuple[Instruction, ...] = ()
    """How the owner takes the access away; empty where that is to undo the steps."""
    cloudformation: Mapping[str, Any] = field(default_factory=dict)
    """Resources; empty where CloudFormation can make nothing."""
    by_hand: Mapping[str, Any] = field(default_factory=dict)
    """What CloudFormation cannot add to what exists."""
