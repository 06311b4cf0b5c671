"""The handover as Terraform: one file that the other side's owner can apply.

In: a half of a handover. Out: the text of a ``.tf`` file. Effects: none. Declared texts cannot get out of their
strings and comments.
https://developer.hashicorp.com/terraform/language/expressions/strings
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from data_exports.destinations.half import AWS_PROVIDER, Expression, TerraformBlock
from data_exports.names import RoleArn
from data_exports.operate.handover.halves import Half, Reading, Receiving, nothing_to_attach
from data_exports.text import json_text, quoted
from data_exports.views.handover.letter import on_one_line


def terraform_of(half: Half) -> str:
    """The half as a Terraform file. Raises `RefusedError` when it needs nothing that Terraform could attach."""
    if isinstance(half, Receiving):
        parts, needs = [_block(each) for each in half.theirs.terraform], half.theirs.providers
    else:
        parts, needs = list(_reading(half)) if isinstance(half, Reading) else [], (AWS_PROVIDER,)
    if not parts:
        raise nothing_to_attach(half, "Terraform")
    providers = {each.name: Expression(f'{{ source = "{each.source}", version = "{each.version}" }}') for each in needs}
    required = TerraformBlock(("terraform",), {}, (TerraformBlock(("required_providers",), providers),))
    return "\n".join([*_heading(half), "", _block(required), *parts])


def _heading(half: Half) -> list[str]:
    dataset, platform = half.dataset, half.platform
    said = [f"Data export {dataset.name} of {platform.name_of_account(platform.account)}: your half of the access."]
    said += [f"What it is: {quoted(on_one_line(dataset.description))}"] if dataset.description else []
    said += [f"Whom to ask: {platform.contact}"] if platform.contact else []
    said += [f"Agreed in: {', '.join(map(quoted, dataset.paperwork))}"] if dataset.paperwork else []
    return [f"# {each}" for each in said]


def _reading(half: Reading) -> Iterator[str]:
    if not any(reader.is_attachable for reader in half.readers):
        return
    for number, reader in enumerate(half.readers, start=1):
        name = f"export_{half.dataset.name}_{number}"
        yield _block(TerraformBlock(("locals",), {f"{name}_policy": reader.policy}, remark=f"For {reader.arn}"))
        if reader.is_attachable:
            kind = "role" if isinstance(reader.arn, RoleArn) else "user"
            named = {"name": f"pull-{half.dataset.name}", kind: reader.arn.rsplit("/", 1)[1]}
            policy = Expression(f"jsonencode(local.{name}_policy)")
            yield _block(TerraformBlock(("resource", f"aws_iam_{kind}_policy", name), {**named, "policy": policy}))
        else:
            yield f"# IAM lets nobody attach it there: see the letter of the handover, and use local.{name}_policy.\n"


def _block(block: TerraformBlock, indent: str = "") -> str:
    first, *labels = block.words
    remark = f"{indent}# {block.remark}\n" if block.remark else ""
    arguments = [(name, _value(each, indent=len(indent) + 2)) for name, each in block.arguments.items()]
    lines = "".join(f"{indent}  {line}\n" for line in _aligned(arguments))
    between = "\n" if arguments and block.blocks and not indent else ""
    inner = "".join(_block(each, f"{indent}  ") for each in block.blocks)
    head = " ".join([first, *map(_string, labels)])
    return f"{remark}{indent}{head} {{\n{lines}{between}{inner}{indent}}}\n"


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
