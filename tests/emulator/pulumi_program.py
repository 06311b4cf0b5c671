"""Runs a Pulumi program without Pulumi's engine, with its stacks really made on the local AWS.

``python -m tests.emulator.pulumi_program PROGRAM ENDPOINT ACCOUNT REGION NAME=VALUE…``: the words after the region are
the program's configuration. Prints what the program did as JSON. Pulumi's own mock monitor takes the engine's place;
what its AWS provider would ask of AWS, `LocalProvider` asks of the local AWS: CreateStack and UpdateStack, PutObject,
ListRoles, GetCallerIdentity. https://www.pulumi.com/docs/iac/guides/testing/unit/
"""

import asyncio
import json
import os
import runpy
import sys
import threading
from pathlib import Path
from typing import Any

import pulumi
from botocore.exceptions import ClientError
from google.protobuf import json_format
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from data_exports.aws import Aws, aws_with_keys

PROJECT = "data-exports"


class LocalProvider(Mocks):
    """What Pulumi's AWS provider does, on the local AWS; notes when each resource begins and ends."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self.events: list[tuple[str, str]] = []
        self.results: dict[str, str] = {}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer one of the provider's functions."""
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            account, arn = self._aws.caller()
            return {"accountId": account, "arn": arn, "id": account, "userId": account}, []
        if args.token == "aws:iam/getRoles:getRoles":
            pages = self._aws.client("iam").get_paginator("list_roles").paginate()
            roles = [role for page in pages for role in page["Roles"]]
            names = [role["RoleName"] for role in roles]
            return {"names": names, "arns": [role["Arn"] for role in roles], "id": "roles"}, []
        raise AssertionError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Make or change one resource."""
        self._note("begin", args.name)
        match args.typ:
            case "aws:cloudformation/stack:Stack":
                identifier = self._put_stack(args.inputs)
            case "aws:s3/bucketObject:BucketObject":
                identifier = self._put_object(args.inputs)
            case _:
                raise AssertionError(args.typ)
        self._note("end", args.name)
        return identifier, args.inputs

    def _note(self, what: str, name: str) -> None:
        with self._lock:
            self.events.append((what, name))

    def _put_stack(self, inputs: dict[str, Any]) -> str:
        name = inputs["name"]
        cloudformation: Any = self._aws.client("cloudformation")  # which waiter, the answer decides
        template = {"TemplateBody": inputs["templateBody"]} if "templateBody" in inputs else {}
        wanted = {
            "StackName": name,
            "Capabilities": inputs["capabilities"],
            "Tags": [{"Key": key, "Value": value} for key, value in inputs["tags"].items()],
            **(template or {"TemplateURL": inputs["templateUrl"]}),
        }
        try:
            identifier = cloudformation.create_stack(**wanted, OnFailure=inputs["onFailure"])["StackId"]
            waiter, result = "stack_create_complete", "created"
        except cloudformation.exceptions.AlreadyExistsException:
            try:
                identifier = cloudformation.update_stack(**wanted)["StackId"]
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
                identifier, waiter, result = name, "", "unchanged"
            else:
                waiter, result = "stack_update_complete", "updated"
        if waiter:
            cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        self.results[name] = result
        return str(identifier)

    def _put_object(self, inputs: dict[str, Any]) -> str:
        source = inputs.get("source")
        body = Path(source.path).read_bytes() if source else inputs["content"].encode()
        self._aws.client("s3").put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=body)
        return str(inputs["key"])


class Monitor(MockMonitor):
    """Keeps the program's outputs."""

    outputs: dict[str, Any]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the engine's name
        """Keep what the program exports."""
        self.outputs = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def main(words: list[str]) -> None:
    """Run the program named by the first word."""
    program, endpoint, account, region, *settings = words
    pulumi.runtime.set_all_config(
        {f"{PROJECT}:{name}": value for name, _, value in (setting.partition("=") for setting in settings)}
    )
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    aws = aws_with_keys(region, endpoint_url=endpoint, access_key_id=account, secret_access_key=secret)
    provider = LocalProvider(aws)
    monitor = Monitor(provider)
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(provider, project=PROJECT, stack="local", preview=False, monitor=monitor)
    set_root_resource(None)  # type: ignore[arg-type]  # the mocks' own root; the program gets one that keeps its outputs

    def run() -> None:
        runpy.run_path(program)

    asyncio.get_event_loop().run_until_complete(run_in_stack(run))
    print(json.dumps({"outputs": monitor.outputs, "events": provider.events, "results": provider.results}))


if __name__ == "__main__":
    main(sys.argv[1:])
