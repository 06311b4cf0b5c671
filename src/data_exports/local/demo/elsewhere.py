"""The demo's scene of recipients outside AWS: a container in Azure, and a bucket at Google.

In: a `Stage`. Out: a story, as in `scenes`. Effects: as in `scenes`. The two datasets stand beside those of the example
estate, in a copy of the demo's own. The local AWS signs the tokens with which their movers prove who they are, and
stand-ins for both clouds verify them, and let in whom our letters name once their owners have done what these say.
"""

import base64
import hashlib
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from data_exports.contract.digests import digests_in
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client_as
from data_exports.local.clouds.declared import BlobContainer, CloudThing
from data_exports.local.clouds.running import start_clouds
from data_exports.local.demo.commands import run_command
from data_exports.local.demo.operating import Story, file_to_send
from data_exports.local.demo.stage import Expectation, Stage, is_refused, wait_for
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import outside_things_of

IN_AZURE, AT_GOOGLE = "court_orders", "court_tables"
"""The datasets; the recipient of the second has not put the handover in place."""
_PLACES = {IN_AZURE: ("blobs", "hjresearch/incoming"), AT_GOOGLE: ("objects", "hj-incoming")}
_FILES = {
    IN_AZURE: """\
name: court_orders
target_azure:
  storage_account: hjresearch
  container: incoming
  tenant: 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394
  client: 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
users:
  - alpha_user_priya-raman
paperwork: DPIA-114
""",
    AT_GOOGLE: """\
name: court_tables
target_google:
  bucket: hj-incoming
  project_number: "1234567"
  provider: projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports
  service_account: exporter@hj-research.iam.gserviceaccount.com
users:
  - alpha_user_priya-raman
paperwork: DPIA-115
""",
}


def with_recipients_elsewhere(folder: Path) -> Path:
    """A copy of the example estate with these two datasets."""
    copy = Path(shutil.copytree(example_estate_folder(), folder))
    for name, text in _FILES.items():
        (copy / "push_datasets" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return copy


def recipients_elsewhere_get_their_files(stage: Stage) -> Story:
    """A file arrives in Azure, and one at Google once its recipient has let us in: by tokens, without any secret."""
    tables = stage.push(AT_GOOGLE)
    yield f"{tables.users[0]} uploads a file for {tables.name}, whose recipient at Google has not let us in yet"
    stage.as_user(tables.users[0]).put_object(
        Bucket=stage.estate.platform.hub_bucket, Key=f"{tables.prefix}tables.csv", Body=_TABLE.encode()
    )
    yield from _in_azure(stage, stage.push(IN_AZURE))
    yield from _at_google(stage, tables)


_TABLE = "court,orders\nNorth,812\n"


def _in_azure(stage: Stage, push: PushDataset) -> Story:
    sender = stage.estate.platform.user_role_arn(push.users[0])
    with file_to_send(stage, "orders.csv", _TABLE) as file:
        sent = run_command(stage, sender, "send", str(file), push.name, "--wait")
    yield from sent.told()
    yield from _arrived(stage, push, "orders.csv")
    ask = client_as(stage.local, "sts", sender).get_web_identity_token
    audience = ["api://AzureADTokenExchange"]
    asked = partial(ask, Audience=audience, SigningAlgorithm="RS256", DurationSeconds=300)
    yield Expectation("refused: a sender asks for a token such as the mover has", *is_refused(asked))
    (container,) = (thing for thing in _things_of(stage, push) if isinstance(thing, BlobContainer))
    yield "the recipient takes the role's assignment away by mistake"
    start_clouds(stage.local).declare(replace(container, assignments=()))
    probed = run_command(stage, None, "probe", push.name)
    yield from probed.told()
    names_it = "On their side" in probed.out and f"exports handover {push.name}" in probed.out
    yield Expectation("the probe says that the assignment is lacking, and what mends it", probed.code == 1 and names_it)
    start_clouds(stage.local).declare(container)


def _at_google(stage: Stage, push: PushDataset) -> Story:
    failed = wait_for(lambda: any(each.outcome == "failed" for each in stage.receipts(push)))
    failures = run_command(stage, None, "failures", push.name)
    yield from failures.told(most=5)
    yield Expectation(
        "the failure at Google is told, and what mends it", failed and f"exports handover {push.name}" in failures.out
    )
    yield "the recipient puts in place what the handover says"
    start_clouds(stage.local).declare(*_things_of(stage, push))
    tried = run_command(stage, None, "redrive", push.name, "--now", "--wait")
    yield from tried.told()
    yield from _arrived(stage, push, "tables.csv")


def _arrived(stage: Stage, push: PushDataset, name: str) -> Story:
    """Whether the file is there, and its receipt says where that is and which file it was."""
    key, body = f"{push.prefix}{name}", _TABLE.encode()
    found = start_clouds(stage.local).stored(*_PLACES[push.name], key)
    yield Expectation(f"{name} is at {push.destination.uri}, byte for byte", found is not None and found[1] == body)
    receipt = next((each for each in stage.receipts(push) if each.key == key and each.outcome == "delivered"), None)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    told = receipt and (receipt.destination, digests_in(receipt.digest).get("SHA256"))
    is_told = told == (push.destination.uri, digest)
    yield Expectation("its receipt says where, and which file by its SHA-256", is_told, digest)


def _things_of(stage: Stage, push: PushDataset) -> tuple[CloudThing, ...]:
    return outside_things_of(stage.local, replace(stage.estate, push_datasets=(push,)))
