"""A second kind of destination, outside AWS, goes all the way without a change to what is not of its kind."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest

from data_exports.access.changes import AccessChanges, NewAccount, changes_between
from data_exports.access.grants import Grant, Role, grants_of, grants_of_push
from data_exports.access.handover import route_of
from data_exports.access.policies import mover_policy
from data_exports.access.sentences import plain, sentence_of_new_account, statements_of
from data_exports.contract.causes import Cause
from data_exports.contract.tasks import Try, Verdict
from data_exports.destinations.destination import Advice, Destination, Lack, Lookup, Misfit, Party, Right, Route
from data_exports.destinations.half import Provider, RecipientHalf, TerraformBlock
from data_exports.errors import RefusedError
from data_exports.instructions import Instruction
from data_exports.names import DatasetName, KeyPrefix
from data_exports.operate.advice import advice_on_cause
from data_exports.operate.handover.halves import Half, halves_of, owner_of
from data_exports.stacks.metadata import grants_in
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Surroundings
from data_exports.views.handover.cloudformation import cloudformation_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.handover.terraform import terraform_of
from tests.estates import PLATFORM, estate_of, push
from tests.json_data import json_data

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
CREDENTIAL = "azuread_application_federated_identity_credential"
AUDIENCE = ("sts:IdentityTokenAudience", "api://AzureADTokenExchange")


@dataclass(frozen=True, slots=True)
class ContainerHalf:
    target_azure: str
    trust: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """A container of another cloud: the mover proves who it is by a token of AWS's, and keeps no secret."""

    storage: str
    container: str
    account: ClassVar[None] = None
    tries: ClassVar = {"put": ("write a blob", WRITE)}

    @property
    def name(self) -> str:
        return f"{self.storage}/{self.container}"

    @property
    def uri(self) -> str:
        return f"https://{self.storage}.blob.core.windows.net/{self.container}"

    @property
    def declaration(self) -> dict[str, str | None]:
        return {"target_azure": self.name}

    @property
    def settings(self) -> dict[str, str]:
        return {"TARGET_AZURE": self.uri}

    def rights(self, prefix: KeyPrefix) -> tuple[Right, ...]:
        return (
            Right(f"{self.uri}/{prefix.pattern_below}", (WRITE,)),
            Right("*", ("sts:GetWebIdentityToken",), conditions=(AUDIENCE,)),
        )

    def half(self, route: Route) -> RecipientHalf:
        under = f"{self.uri}/{route.prefix}"
        trust = {"subject": route.mover_role, "audiences": ["api://AzureADTokenExchange"]}
        return RecipientHalf(
            noun="container",
            name=self.name,
            premise="A role of AWS gets into Azure once an application there trusts it.",
            arrival=f"Each file arrives as {under}PATH.",
            confined="The application can write there.",
            probe_object=f"{under}.exports-probe",
            steps=(Instruction("Let the application trust the role:", trust), Instruction("Let it write.")),
            facts=ContainerHalf(self.name, trust),
            terraform=(
                TerraformBlock(("resource", "azuread_application_federated_identity_credential", "export"), trust),
            ),
            providers=(Provider("azuread", "hashicorp/azuread", ">= 2.40"),),
        )

    def advice(self, cause: str, route: Route) -> Advice | None:
        return Advice(f"the recipient lets {route.mover_role} in") if cause == Cause.RECIPIENT_DENIED else None

    def lacks(self, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None) -> Iterator[Lack]:
        if any(each.verdict is Verdict.REFUSED for each in tries):
            yield Lack(Party.THEIRS, f"{self.name} refuses {route.mover_role}", "send the handover")

    def misfit(self, lookup: Lookup, owner: str) -> Misfit | None:
        return None


THERE: Destination = Container("courts", "landing")
ELSEWHERE = push("orders", destination=THERE, users=(), expires=date(2031, 3, 31))
ESTATE = estate_of(ELSEWHERE)
ROLE = "arn:aws:iam::593291632749:role/service-role/export_orders-move"
ADDRESS = "https://courts.blob.core.windows.net/landing/orders/"


def of_destination(grants: Sequence[Grant]) -> list[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]]:
    return [
        (each.resource, each.actions, each.conditions) for each in grants if each.until and "s3:" not in each.actions[0]
    ]


def template() -> dict[str, Any]:
    stack = push_stack(PLATFORM, ELSEWHERE, Surroundings("code/mover-1.zip"))
    found: dict[str, Any] = json.loads(stack.body)
    return found


def half() -> Half:
    (found,) = halves_of(ESTATE, ELSEWHERE)
    return found


def changes(before: Sequence[Grant], after: Sequence[Grant]) -> AccessChanges:
    return changes_between(before, after, moment=NOW)


def test_its_rights_are_grants_and_they_end_with_the_dataset() -> None:
    assert of_destination(grants_of(ESTATE)) == [
        ("*", ("sts:GetWebIdentityToken",), (AUDIENCE,)),
        (f"{ADDRESS}*", (WRITE,), ()),
    ]


def test_iam_is_told_what_is_its_own_under_the_condition_and_nothing_of_the_other_cloud() -> None:
    statements = mover_policy(grants_of(ESTATE))["Statement"]
    (token,) = [each for each in statements if each["Resource"] == "*"]
    assert token == {
        "Sid": "GetWebIdentityToken",
        "Effect": "Allow",
        "Action": ["sts:GetWebIdentityToken"],
        "Resource": "*",
        "Condition": {
            "DateLessThan": {"aws:CurrentTime": "2031-04-01T00:00:00Z"},
            "StringEquals": {"sts:IdentityTokenAudience": "api://AzureADTokenExchange"},
        },
    }
    assert [each["Resource"] for each in statements if "azure" in str(each["Resource"]) or "blob" in str(each)] == []
    assert not {"WriteTarget", "ListTargetUploads", "UseTargetKey"} & {each["Sid"] for each in statements}


def test_a_plan_tells_where_the_files_go_and_that_a_recipient_is_new() -> None:
    before = grants_of(estate_of(push("orders", users=(), expires=ELSEWHERE.expires)))
    (told,) = statements_of(changes(before, grants_of(ESTATE)))
    assert plain(told.sentence).startswith(
        f"files of orders go to {ADDRESS} until 31 March 2031 "
        "(before: to s3://cp-hearings/orders/ of account 754256621582)"
    )
    (new,) = changes(before, grants_of(ESTATE)).new_accounts
    assert new == NewAccount(None, ADDRESS, (DatasetName("orders"),))
    assert plain(sentence_of_new_account(new, {})) == f"whoever owns {ADDRESS} through orders"
    assert changes(grants_of(ESTATE), grants_of(ESTATE)).is_empty


def test_the_mover_is_told_its_settings_and_none_of_another_kind() -> None:
    settings = template()["Resources"]["Mover"]["Properties"]["Environment"]["Variables"]
    assert {name: value for name, value in settings.items() if name.startswith("TARGET")} == {
        "TARGET_AZURE": "https://courts.blob.core.windows.net/landing"
    }


def test_what_is_deployed_is_read_back_as_it_was_granted() -> None:
    found = template()
    assert found["Metadata"]["DataExports"]["declaration"]["target_azure"] == "courts/landing"
    assert grants_in(found, ELSEWHERE.name) == grants_of_push(PLATFORM, ELSEWHERE)


def test_the_letter_asks_for_what_the_kind_asks_for() -> None:
    letter = letter_of(half())
    assert letter.startswith(
        "Subject: Data export orders: please let it into your container courts/landing\n\n"
        "To the owner of the container courts/landing\n\n"
    )
    assert owner_of(half()) is None
    assert "1. Let the application trust the role:\n\n       {\n" in letter
    assert f'"subject": "{ROLE}",' in letter
    assert "2. Let it write." in letter
    assert "bucket" not in letter


def test_the_other_forms_hold_what_the_kind_has_for_them_and_refuse_where_it_has_nothing() -> None:
    (facts,) = json_data(handover_as_data([half()]))["handovers"]
    assert dict(facts)["trust"] == {"subject": ROLE, "audiences": ["api://AzureADTokenExchange"]}
    text = terraform_of(half())
    assert 'azuread = { source = "hashicorp/azuread", version = ">= 2.40" }' in text
    assert f'"{CREDENTIAL}" "export" {{\n  subject   = "{ROLE}"\n' in text
    with pytest.raises(RefusedError, match="CloudFormation can make nothing in the container of orders"):
        cloudformation_of(half())


def test_a_failure_at_the_recipient_is_the_kinds_to_advise_on_and_any_other_is_not() -> None:
    assert advice_on_cause("recipient_denied", ESTATE, ELSEWHERE, now=NOW) == Advice(f"the recipient lets {ROLE} in")
    assert advice_on_cause("recipient_key", ESTATE, ELSEWHERE, now=NOW).text == "it may pass by itself: redrive"
    assert advice_on_cause("hub_denied", ESTATE, ELSEWHERE, now=NOW).text.startswith("the platform's own policies")


def test_nothing_of_aws_is_asked_of_the_recipient() -> None:
    route = route_of(ESTATE, ELSEWHERE)
    assert (dict(route.statements), route.policy["Statement"], route.owner) == ({}, [], "")
    assert {grant.role for grant in grants_of(ESTATE)} == {Role.MOVER}


def test_two_recipients_outside_aws_are_two_and_two_datasets_to_one_are_one() -> None:
    to = {"a": "courts", "b": "health", "c": "courts"}
    after = grants_of(estate_of(*(push(name, users=(), destination=Container(to[name], "in")) for name in to)))
    before = grants_of(estate_of(push("z", users=())))
    found = changes(before, after).new_accounts
    assert [(each.where, each.datasets) for each in found] == [
        ("https://courts.blob.core.windows.net/in/a/", ("a", "c")),
        ("https://health.blob.core.windows.net/in/b/", ("b",)),
    ]
