"""The handover as Terraform: one file that the other side's owner can apply.

In: a half of a handover. Out: the text of a ``.tf`` file. Effects: none. Declared texts cannot get out of their
strings and comments.
https://developer.hashicorp.com/terraform/language/expressions/strings
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from data_exports.destinations.half import Expression, TerraformLocal, TerraformQuestion, TerraformResource
from data_exports.names import RoleArn
from data_exports.operate.handover.halves import Half, Reader, Reading, Receiving, nothing_to_attach
from data_exports.text import json_text, quoted
from data_exports.views.handover.letter import on_one_line

_AWS = {"aws": "hashicorp/aws"}


def terraform_of(half: Half) -> str:
    """The half as a Terraform file. Raises `RefusedError` when it needs nothing that Terraform could attach."""
    parts, needs = (_receiving(half), half.theirs.providers) if isinstance(half, Receiving) else (_reading(half), _AWS)
    providers = "".join(f'    {name} = {{ source = "{source}" }}\n' for name, source in needs.items())
    required = f"terraform {{\n  required_providers {{\n{providers}  }}\n}}\n"
    return "\n".join([*_heading(half), "", required, *parts])


def _heading(half: Half) -> list[str]:
    dataset, platform = half.dataset, half.platform
    said = [f"Data export {dataset.name} of {platform.name_of_account(platform.account)}: your half of the access."]
    said += [f"What it is: {quoted(on_one_line(dataset.description))}"] if dataset.description else []
    said += [f"Agreed in: {', '.join(map(quoted, dataset.paperwork))}"] if dataset.paperwork else []
    return [f"# {each}" for each in said]


def _receiving(half: Receiving) -> Iterator[str]:
    if not half.theirs.terraform:
        raise nothing_to_attach(half, "Terraform")
    for block in half.theirs.terraform:
        match block:
            case TerraformLocal(name, value, remark):
                yield (f"# {remark}\n" if remark else "") + _setting(name, value)
            case TerraformQuestion(name, asks):
                yield _question(name, asks)
            case TerraformResource(kind, name, body):
                yield f'resource "{kind}" "{name}" {{\n{_body(body)}}}\n'


def _body(body: Mapping[str, Any], indent: str = "  ") -> str:
    attributes = [(name, _value(each)) for name, each in body.items() if not isinstance(each, Mapping)]
    lines = [f"{indent}{line}\n" for line in _aligned(attributes)]
    for name, each in body.items():
        if isinstance(each, Mapping):
            before = "\n" if indent == "  " else ""
            lines.append(f"{before}{indent}{name} {{\n{_body(each, f'{indent}  ')}{indent}}}\n")
    return "".join(lines)


def _reading(half: Reading) -> Iterator[str]:
    if not any(reader.is_attachable for reader in half.readers):
        raise nothing_to_attach(half, "Terraform")
    for number, reader in enumerate(half.readers, start=1):
        name = f"export_{half.dataset.name}_{number}"
        yield f"# For {reader.arn}"
        yield _setting(f"{name}_policy", reader.policy)
        if reader.is_attachable:
            yield _attachment(half, reader, name)
        else:
            yield f"# IAM lets nobody attach it there: see the letter of the handover, and use local.{name}_policy.\n"


def _attachment(half: Reading, reader: Reader, name: str) -> str:
    kind = "role" if isinstance(reader.arn, RoleArn) else "user"
    return (
        f'resource "aws_iam_{kind}_policy" "{name}" {{\n'
        f"  name   = {_value(f'pull-{half.dataset.name}')}\n"
        f"  {kind}   = {_value(reader.arn.rsplit('/', 1)[1])}\n"
        f"  policy = jsonencode(local.{name}_policy)\n}}\n"
    )


def _setting(name: str, value: Any) -> str:
    return f"locals {{\n  {name} = {_value(value, indent=2)}\n}}\n"


def _question(name: str, asks: str) -> str:
    return f'variable "{name}" {{\n  type        = bool\n  description = {_value(asks)}\n}}\n'


def _value(value: Any, *, indent: int = 0) -> str:
    """A value as Terraform writes it; names of members are quoted, because many hold a colon."""
    inner, outer = " " * (indent + 2), " " * indent
    match value:
        case Expression():
            return str(value)
        case Mapping():
            members = [(_string(key), _value(each, indent=indent + 2)) for key, each in value.items()]
            return "{\n" + "".join(f"{inner}{line}\n" for line in _aligned(members)) + f"{outer}}}"
        case list() if any(isinstance(each, Mapping) for each in value):
            parts = [_value(each, indent=indent + 2) for each in value]
            return "[\n" + "".join(f"{inner}{part},\n" for part in parts) + f"{outer}]"
        case list():
            return f"[{', '.join(_value(each) for each in value)}]"
        case _:
            return _string(value)


def _aligned(members: list[tuple[str, str]]) -> Iterator[str]:
    """The members as `terraform fmt` has them: the equals signs of neighbours in line, unless a value has lines."""
    for has_lines, group in groupby(members, key=lambda member: "\n" in member[1]):
        neighbours = list(group)
        width = 0 if has_lines else max(len(key) for key, _ in neighbours)
        yield from (f"{key:<{width}} = {value}" for key, value in neighbours)


def _string(text: str) -> str:
    """A string in quotes. ``${`` and ``%{`` would begin a template; written as code points they do not."""
    written = json_text(text).replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    return re.sub(r"[$%](?=\{)", lambda found: f"\\u{ord(found[0]):04x}", written)
