"""The demo's scenes about mending: what somebody changed in AWS is put back, and what waits is tried at once.

In: a `Stage`. Out: a story, as in `scenes`. Effects: as in `scenes`; every command is run for real.
"""

import json
from functools import partial

from data_exports.access.handover import route_of
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.demo.commands import run_command
from data_exports.local.demo.operating import Story
from data_exports.local.demo.stage import Expectation, Stage, is_refused, wait_for
from data_exports.local.world import bucket_of
from data_exports.names import push_users_policy_of


def what_was_changed_by_hand_is_put_back(stage: Stage) -> Story:
    """Somebody breaks three things in AWS: status sees them, deploy does not look, repair puts them back."""
    push = stage.push("court_hearings")
    yield f"somebody takes {push.users[0]}'s policy away, suspends the hub's versioning and switches the mover off"
    _break(stage, push)
    upload = partial(_upload, stage, push, "late.csv")
    yield Expectation(f"{push.users[0]} is refused", *is_refused(upload))
    status = run_command(stage, None, "status", push.name)
    yield from (line for line in status.told() if line.startswith(("$", "| !")))
    told = all(word in status.out for word in ("lost its access", "versioning is Suspended", "switched off"))
    yield Expectation("the status names all three, and what puts them back", told and "exports repair" in status.out)
    refused = run_command(stage, None, "repair", "--yes")
    yield from refused.told()
    yield Expectation("access is not given back without consent", refused.code == 1 and is_refused(upload)[0])
    repaired = run_command(stage, None, "repair", "--yes", "--allow", "access")
    yield from (line for line in repaired.told() if not line.startswith("|   "))
    yield Expectation("all of it is as deployed again", repaired.code == 0 and "Now as deployed" in repaired.out)
    upload()
    key = f"{push.prefix}late.csv"
    arrived = wait_for(lambda: stage.object_at_recipient(push, key) is not None)
    left = wait_for(lambda: stage.keys_in_hub(push) == [])
    yield Expectation("a file is delivered again, and leaves the hub", arrived and left)


def what_waits_is_tried_at_once(stage: Stage) -> Story:
    """A recipient closes the bucket by mistake and opens it again; nobody waits for the next try."""
    push = stage.push("probation_caseload")
    key = f"{push.prefix}caseload.csv"
    recipient, bucket = stage.as_recipient(push), bucket_of(push)
    yield f"the recipient of {push.name} loses the policy of their bucket, and {push.users[0]} uploads a file"
    recipient.delete_bucket_policy(Bucket=bucket)
    _upload(stage, push, "caseload.csv")
    failed = wait_for(lambda: any(each.key == key and each.outcome == "failed" for each in stage.receipts(push)))
    failures = run_command(stage, None, "failures", push.name)
    yield from failures.told(most=3)
    yield Expectation("the failure is told, and when it is tried next", failed and "next try by" in failures.out)
    yield "the recipient puts the policy back"
    recipient.put_bucket_policy(Bucket=bucket, Policy=json.dumps(route_of(stage.estate, push).policy))
    tried = run_command(stage, None, "redrive", push.name, "--now", "--wait")
    yield from tried.told()
    arrived = stage.object_at_recipient(push, key) is not None
    yield Expectation("tried at once, the file is delivered", tried.code == 0 and arrived)


def _break(stage: Stage, push: PushDataset) -> None:
    account = stage.estate.platform.account
    of_account = partial(client, stage.local, account=account)
    policy = push_users_policy_of(push.name)
    of_account("iam").delete_role_policy(RoleName=str(push.users[0]), PolicyName=policy)
    hub = str(stage.estate.platform.hub_bucket)
    of_account("s3").put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    functions = of_account("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=str(push.mover_name))["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _upload(stage: Stage, push: PushDataset, name: str) -> None:
    hub = str(stage.estate.platform.hub_bucket)
    stage.as_user(push.users[0]).put_object(Bucket=hub, Key=f"{push.prefix}{name}", Body=b"case,courtroom\n1042,3\n")
