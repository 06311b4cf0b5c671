"""The demo's scenes about operating: sent and followed, given up, mended by the recipient, redriven, and who can.

In: a `Stage`. Out: a story, as in `scenes`. Effects: as in `scenes`; every command is run for real. The mover of one
dataset is told to give up at its first try: nobody would wait a day for the eighth.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.demo.commands import run_command
from data_exports.local.demo.stage import Expectation, Stage, wait_for
from data_exports.local.world import bucket_of
from data_exports.names import queue_name_of

Story = Iterator[str | Expectation]

NOT_YET_GRANTED = "health_referrals"
"""The dataset of the example estate whose recipient has not put the handover in place."""


def a_file_is_followed_to_its_receipt(stage: Stage) -> Story:
    """A sender sends a file, waits until it is delivered, and sees how the dataset stands."""
    push = stage.push("court_hearings")
    sender = stage.estate.platform.user_role_arn(push.users[0])
    with file_to_send(stage, "diary.csv", "case,courtroom\n1042,3\n") as file:
        sent = run_command(stage, sender, "send", str(file), push.name, "--wait")
    yield from sent.told()
    arrived = stage.object_at_recipient(push, f"{push.prefix}diary.csv") is not None
    yield Expectation("the command ends with 0, and the recipient has the file", sent.code == 0 and arrived)
    status = run_command(stage, None, "status")
    yield from status.told(most=16)
    yield Expectation("every dataset is as declared", status.code == 0 and status.out.count("as declared") >= 9)


def a_missing_grant_is_mended_and_redriven(stage: Stage) -> Story:
    """A recipient who has not granted access: the file is given up, told, granted for, and delivered after all."""
    push = stage.push(NOT_YET_GRANTED)
    key = f"{push.prefix}referrals.csv"
    yield f"the recipient of {push.name} has not granted access yet; the mover is told to give up at its first try"
    give_up_at_once(stage, push)
    sender = stage.estate.platform.user_role_arn(push.users[0])
    with file_to_send(stage, "referrals.csv", "referral,clinic\n1,North\n") as file:
        sent = run_command(stage, sender, "send", str(file), push.name, "--wait")
    yield from sent.told()
    yield Expectation("the sender is told that it did not arrive", sent.code == 1 and "AccessDenied" in sent.out)
    kept = stage.keys_in_hub(push) == [key] and stage.object_at_recipient(push, key) is None
    yield Expectation("the file is still in the hub, and nothing has arrived", kept)
    yield from _look(stage, push)
    yield from _grant(stage, push)
    redriven = run_command(stage, None, "redrive", push.name)
    yield from redriven.told()
    arrived = wait_for(lambda: stage.object_at_recipient(push, key) is not None)
    yield Expectation("redriven, the file is delivered", redriven.code == 0 and arrived)
    left = wait_for(lambda: stage.keys_in_hub(push) == [])
    after = run_command(stage, None, "failures", push.name)
    yield Expectation("nothing is left in the hub, and nothing fails", left and after.code == 0)


def who_can_is_answered(stage: Stage) -> Story:
    """Who can get at what is answered from what is deployed."""
    pull = stage.pull("bail_research")
    bucket = pull.bucket(stage.estate.platform)
    asked = run_command(stage, None, "who", "can", "read", f"s3://{bucket}", "--live")
    yield from asked.told()
    names = [*(str(user) for user in pull.users), *(outsider.rsplit("/", 1)[1] for outsider in pull.outsiders)]
    yield Expectation("everybody who can is named", asked.code == 0 and all(name in asked.out for name in names))


def _look(stage: Stage, push: PushDataset) -> Story:
    """What an operator is told about the failure: which file, why, whose half is lacking."""
    given_up = wait_for(lambda: "dead letter" in run_command(stage, None, "status", push.name).out)
    yield Expectation("the status shows it as a dead letter", given_up)
    failures = run_command(stage, None, "failures", push.name)
    yield from failures.told()
    told = failures.code == 1 and "AccessDenied" in failures.out and "Sid" in failures.out
    yield Expectation("the failure is told with its reason and the statement that is missing", told)
    probed = run_command(stage, None, "probe", push.name)
    yield from probed.told()
    yield Expectation("the probe says which side lacks what", probed.code == 1 and "On their side" in probed.out)


def _grant(stage: Stage, push: PushDataset) -> Story:
    """The recipient puts in place, word for word, what the handover says."""
    letter = run_command(stage, None, "handover", push.name)
    yield from letter.told(most=6)
    written = run_command(stage, None, "handover", push.name, "--as", "json")
    (half,) = json.loads(written.out)["handovers"]
    yield "the recipient puts this policy on the bucket"
    policy = json.dumps(half["bucket_policy"])
    stage.as_recipient(push).put_bucket_policy(Bucket=bucket_of(push), Policy=policy)
    probed = run_command(stage, None, "probe", push.name)
    yield from probed.told()
    yield Expectation("the probe finds nothing lacking any more", probed.code == 0)


@contextmanager
def file_to_send(stage: Stage, name: str, text: str) -> Iterator[Path]:
    """A small file to send; below the local AWS's folder, with which it goes whatever happens."""
    with tempfile.TemporaryDirectory(dir=stage.local.folder) as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        yield path


def give_up_at_once(stage: Stage, push: PushDataset) -> None:
    """Have the dataset's mover give up at its first try."""
    account = stage.estate.platform.account
    functions, sqs = client(stage.local, "lambda", account=account), client(stage.local, "sqs", account=account)
    usual = functions.get_function_configuration(FunctionName=push.mover_name)["Environment"]["Variables"]
    quick = usual | {"MOST_RECEIVES": "1", "LONGEST_WAIT_SECONDS": "0"}
    functions.update_function_configuration(FunctionName=push.mover_name, Environment={"Variables": quick})
    url = sqs.get_queue_url(QueueName=queue_name_of(push.name))["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    policy = json.dumps(json.loads(found) | {"maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
