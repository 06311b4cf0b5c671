"""Destinations outside AWS, of both kinds, all the way: what they grant, what a plan, a letter and a failure say."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import hcl2
import pytest

from data_exports.access.changes import AccessChanges, NewAccount, changes_between
from data_exports.access.grants import Grant, Role, grants_of, grants_of_push
from data_exports.access.handover import route_of
from data_exports.access.kinds import Kind, Mark
from data_exports.access.policies import mover_policy
from data_exports.access.sentences import plain, sentence_of_new_account, statements_of
from data_exports.access.sizes import check_policy_sizes
from data_exports.contract.causes import Cause, Side
from data_exports.contract.tasks import Try, Verdict
from data_exports.destinations.azure import probe as azure_probe
from data_exports.destinations.destination import Federation, Party
from data_exports.destinations.federation import HOW_TO_TURN_ON, IS_OFF
from data_exports.destinations.google import probe as google_probe
from data_exports.destinations.kinds import AnyDestination, OutsideDestination, outside_destination_of
from data_exports.destinations.s3.destination import S3Destination
from data_exports.errors import RefusedError
from data_exports.estate.findings import Severity
from data_exports.mover.places.azure import error_codes as azure_codes
from data_exports.mover.places.google import error_codes as google_codes
from data_exports.mover.places.s3 import error_codes as s3_codes
from data_exports.names import AccountId, InvalidNameError
from data_exports.operate.advice import advice_on_cause
from data_exports.operate.handover.halves import Half, halves_of, owner_of
from data_exports.operate.who.holdings import holdings_of
from data_exports.reviews.digests import digest_of_access
from data_exports.stacks.metadata import grants_in
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Surroundings
from data_exports.views.handover.cloudformation import cloudformation_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.handover.terraform import terraform_of
from tests.estates import PLATFORM, TENANT, at_azure, at_google, at_s3, estate_of, push
from tests.json_data import json_data

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
CLIENT = "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5"
PROVIDER = "projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
ROLE = "arn:aws:iam::593291632749:role/service-role/export_orders-move"
ISSUER = "https://0a1b2c3d.tokens.sts.global.api.aws"
ACCOUNT = "exporter@hj-research.iam.gserviceaccount.com"
AZURE, GOOGLE = at_azure(), at_google()
KINDS = pytest.mark.parametrize("there", [AZURE, GOOGLE, at_google(service_account=ACCOUNT)], ids=["a", "g", "g as"])
ADDRESSES = {
    "target_azure": "https://hjresearch.blob.core.windows.net/incoming/orders/",
    "target_google": "gs://hj-incoming/orders/",
}
AUDIENCES = {"target_azure": "api://AzureADTokenExchange", "target_google": f"https://iam.googleapis.com/{PROVIDER}"}


def orders(there: AnyDestination) -> Any:
    return push("orders", destination=there, users=(), expires=date(2031, 3, 31))


def grants(there: object) -> tuple[Grant, ...]:
    return grants_of(estate_of(push("orders", destination=there, users=(), expires=date(2031, 3, 31))))


def half(there: OutsideDestination, *, issuer: str = ISSUER) -> Half:
    (found,) = halves_of(estate_of(orders(there)), orders(there), issuer=issuer)
    return found


def changes(before: Sequence[Grant], after: Sequence[Grant]) -> AccessChanges:
    return changes_between(before, after, moment=NOW)


def template(there: OutsideDestination) -> Any:
    return json.loads(push_stack(PLATFORM, orders(there), Surroundings("code/mover-1.zip")).body)


# --- what it grants --------------------------------------------------------------------------------------------------


@KINDS
def test_the_mover_may_write_there_and_prove_who_it_is_and_both_end_with_the_dataset(there: OutsideDestination) -> None:
    found = [each for each in grants(there) if each.until and "s3:" not in each.actions[0]]
    assert [(each.resource, bool(each.destination)) for each in found] == [
        ("*", False),
        (f"{ADDRESSES[there.field]}*", True),
    ]
    assert {grant.role for grant in grants(there)} == {Role.MOVER}


@KINDS
def test_iam_is_told_of_tokens_under_every_condition_and_nothing_of_the_other_cloud(there: OutsideDestination) -> None:
    statements = mover_policy(grants(there))["Statement"]
    (token,) = [each for each in statements if each["Resource"] == "*"]
    assert token == {
        "Sid": "GetWebIdentityToken",
        "Effect": "Allow",
        "Action": ["sts:GetWebIdentityToken"],
        "Resource": "*",
        "Condition": {
            "DateLessThan": {"aws:CurrentTime": "2031-04-01T00:00:00Z"},
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCES[there.field]},
            "Null": {"sts:IdentityTokenAudience": "false"},
            "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
            "StringEquals": {"sts:SigningAlgorithm": "RS256"},
        },
    }
    hub = ("arn:aws:s3:::mojap-hub-exports", "arn:aws:sqs:", "arn:aws:sns:", "arn:aws:logs:", "*")
    assert all(each["Resource"].startswith(hub) for each in statements)
    assert not {"WriteTarget", "ListTargetUploads", "UseTargetKey"} & {each["Sid"] for each in statements}


@KINDS
def test_the_mover_is_told_of_its_destination_and_of_no_bucket(there: OutsideDestination) -> None:
    settings = template(there)["Resources"]["Mover"]["Properties"]["Environment"]["Variables"]
    told = {name: value for name, value in settings.items() if name.startswith("TARGET")}
    assert told == there.settings.to_environment()
    assert "TARGET_BUCKET" not in told
    assert len(told) > 1


@KINDS
def test_what_is_deployed_is_read_back_as_it_was_granted(there: OutsideDestination) -> None:
    found = template(there)
    assert {there.field: found["Metadata"]["DataExports"]["declaration"][there.field]} == there.declaration
    assert grants_in(found, orders(there).name) == grants_of_push(PLATFORM, orders(there))
    assert outside_destination_of(there.declaration) == there


@pytest.mark.parametrize(
    "declared",
    [
        {"target_ftp": {}},
        {"target_azure": {"storage_account": "hjresearch"}},
        {**AZURE.declaration, **GOOGLE.declaration},
        {"target_google": {**GOOGLE.declaration["target_google"], "key": "x"}},
        "target_azure",
    ],
)
def test_a_destination_that_is_damaged_in_a_template_is_none(declared: object) -> None:
    with pytest.raises(InvalidNameError):
        outside_destination_of(declared)


# --- what a plan says ------------------------------------------------------------------------------------------------


def told(before: object, after: object) -> str:
    (found,) = statements_of(changes(grants(before), grants(after)))
    return plain(found.sentence)


def test_a_plan_tells_where_the_files_go_and_that_the_recipient_is_new() -> None:
    assert told(at_s3(), AZURE) == (
        f"files of orders go to {ADDRESSES['target_azure']} of the Azure tenant {TENANT}, written as its client "
        f"{CLIENT}, for whoever is let in there to read until 31 March 2031 (before: to s3://cp-hearings/orders/ of "
        'account 754256621582) (paperwork "DPIA-17")'
    )
    assert told(AZURE, GOOGLE).startswith(
        f"files of orders go to {ADDRESSES['target_google']} of Google Cloud, by the provider {PROVIDER}"
        f", for whoever is let in there to read until 31 March 2031 (before: to {ADDRESSES['target_azure']} of the "
        "Azure tenant"
    )
    (new,) = changes(grants(at_s3()), grants(AZURE)).new_accounts
    assert new == NewAccount(None, ADDRESSES["target_azure"], (orders(AZURE).name,), AZURE.words)
    assert plain(sentence_of_new_account(new, {})) == (
        f"the Azure container hjresearch/incoming (tenant {TENANT}, client {CLIENT}) through orders"
    )


OTHER = "1b9e6a52-0f3d-4c57-9d0e-000000000000"
CHANGED = [
    (AZURE, at_azure(storage_account="hjother")),
    (AZURE, at_azure(container="other")),
    (AZURE, at_azure(tenant=OTHER)),
    (AZURE, at_azure(client=OTHER)),
    (GOOGLE, at_google(bucket="hj-other")),
    (GOOGLE, at_google(provider=PROVIDER.replace("/exports", "/others"))),
    (GOOGLE, at_google(service_account=ACCOUNT)),
    (AZURE, GOOGLE),
    (GOOGLE, at_s3()),
]


@pytest.mark.parametrize(("before", "after"), CHANGED)
def test_whatever_changes_of_a_recipient_it_is_a_new_one(before: OutsideDestination, after: OutsideDestination) -> None:
    found = changes(grants(before), grants(after))
    (change,) = found.changes
    assert change.kinds == (Kind.CHANGED,)
    assert {Mark.NEW_ACCOUNT, Mark.READ} <= set(change.marks)
    assert len(found.new_accounts) == 1
    assert told(before, after).count("before: ") == 1


@KINDS
def test_nothing_changes_where_nothing_is_another(there: OutsideDestination) -> None:
    assert changes(grants(there), grants(there)).is_empty


def test_two_recipients_are_two_and_two_datasets_to_one_are_one() -> None:
    to = {"a": "courts", "b": "health", "c": "courts"}
    there = {name: at_azure(container=container) for name, container in to.items()}
    after = grants_of(estate_of(*(push(name, users=(), destination=each) for name, each in there.items())))
    found = changes(grants_of(estate_of(push("z", users=()))), after).new_accounts
    assert [(each.where.split("/")[3], each.datasets) for each in found] == [("courts", ("a", "c")), ("health", ("b",))]


def test_a_review_looks_again_at_another_tenant_and_who_tells_what_may_be_done_there() -> None:
    one, other = (holdings_of(estate_of(orders(each)))[0] for each in (AZURE, at_azure(tenant=OTHER)))
    assert digest_of_access(one.access) != digest_of_access(other.access)
    assert not one.is_to_unknown_account
    assert (("write",), ADDRESSES["target_azure"]) in [(each.verbs, each.place) for each in one.doings]
    (google,) = holdings_of(estate_of(orders(GOOGLE)))
    assert (("write", "delete"), ADDRESSES["target_google"]) in [(each.verbs, each.place) for each in google.doings]


# --- what its owner is told ------------------------------------------------------------------------------------------


def test_azures_letter_asks_for_a_credential_of_this_role_and_a_role_that_writes_under_its_prefix() -> None:
    letter = letter_of(half(AZURE))
    assert letter.startswith(
        "Subject: Data export orders: please let it into your container hjresearch/incoming\n\n"
        "To the owner of the container hjresearch/incoming\n\n"
    )
    assert '"name": "data-export-orders"' in letter
    assert f'"issuer": "{ISSUER}"' in letter
    assert f'"subject": "{ROLE}"' in letter
    assert '"audiences": ["api://AzureADTokenExchange"]' in letter
    assert f'"DataActions": [ "{BLOBS}/add/action", "{BLOBS}/write" ]' in " ".join(letter.split())
    assert (
        f"((!(ActionMatches{{'{BLOBS}/add/action'}}) AND !(ActionMatches{{'{BLOBS}/write'}})) OR "
        "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'incoming' AND "
        f"@Resource[{BLOBS}:path] StringStartsWith 'orders/'))"
    ) in letter
    assert f"az ad app federated-credential create --id {CLIENT} --parameters data-export-orders.json" in letter
    assert "blobs/delete" not in letter
    assert "blobs/read" not in letter
    assert "its tags are left behind" in " ".join(letter.split())
    assert "HOW TO END IT\n\nOur side ends it by itself with 2031-03-31, in UTC." in letter
    assert f"az ad app federated-credential delete --id {CLIENT} --federated-credential-id data-export-orders" in letter
    assert "ISSUER stands" not in letter


@pytest.mark.parametrize("account", ["", ACCOUNT])
def test_googles_letter_names_the_role_whole_and_binds_it_to_its_prefix(account: str) -> None:
    letter = letter_of(half(at_google(service_account=account) if account else GOOGLE))
    principal = f"principal://iam.googleapis.com/{PROVIDER.partition('/providers')[0]}/subject/{ROLE}"
    member = f"serviceAccount:{account}" if account else principal
    assert f"--attribute-condition='assertion.sub in [\"{ROLE}\"]'" in letter
    assert f"--issuer-uri={ISSUER} --attribute-mapping=google.subject=assertion.sub" in letter
    assert f"--member='{member}' \\\n" in letter
    condition = 'resource.name.startsWith("projects/_/buckets/hj-incoming/objects/orders/")'
    assert f"--condition='title=data_export_orders,expression={condition}'" in letter
    assert ("gcloud iam service-accounts add-iam-policy-binding" in letter) == bool(account)
    assert "storage.objects.get" not in letter
    assert "storage.objects.list" not in letter
    assert "which Google calls to delete and to create" in " ".join(letter.split())


@KINDS
def test_where_nobody_has_asked_aws_who_issues_tokens_the_letter_says_so_and_how_to_know(
    there: OutsideDestination,
) -> None:
    letter = letter_of(half(there, issuer=""))
    assert "1. Wherever ISSUER stands below" in letter
    assert "aws iam get-outbound-web-identity-federation-info --query IssuerIdentifier" in letter
    (facts,) = json_data(handover_as_data([half(there, issuer="")]))["handovers"]
    assert facts["issuer"] is None


@KINDS
def test_a_letter_says_as_whom_the_role_acts_there_and_for_whom_else_that_is_so(there: OutsideDestination) -> None:
    elsewhere = replace(there, **{"container" if there is AZURE else "bucket": "hj-other"})  # type: ignore[arg-type]
    estate = estate_of(orders(there), push("tables", destination=elsewhere, users=()))
    alone = " ".join(letter_of(half(there)).split())
    (found,) = halves_of(estate, orders(there), issuer=ISSUER)
    together = " ".join(letter_of(found).split())
    if there is GOOGLE:
        assert "acts as" not in alone + together
        assert there.acts_as == ""
        return
    assert f"There it acts as {there.acts_as}, and can do whatever else you let that one do: give it no other" in alone
    assert "So do our roles for" not in alone
    assert "So do our roles for tables: each of them can write wherever one of them can." in together


def test_the_letter_ends_that_the_role_may_act_as_a_service_account_where_there_is_one() -> None:
    letter = letter_of(half(at_google(service_account=ACCOUNT)))
    ending = letter.partition("HOW TO END IT")[2]
    principal = f"principal://iam.googleapis.com/{PROVIDER.partition('/providers')[0]}/subject/{ROLE}"
    assert (
        f"gcloud iam service-accounts remove-iam-policy-binding {ACCOUNT} \\\n"
        "      --role=roles/iam.workloadIdentityUser \\\n"
        f"      --member='{principal}'"
    ) in ending
    assert "service-accounts" not in letter_of(half(GOOGLE))


@pytest.mark.parametrize(
    ("fits", "there", "said"),
    [
        (
            20,
            AZURE,
            f"the application {CLIENT} of the tenant {TENANT} would need 21 federated credentials; Entra takes 20",
        ),
        (
            59,
            GOOGLE,
            f"the condition of {PROVIDER} would have 4,157 characters to name 60 roles; Google takes 4,096",
        ),
    ],
)
def test_more_than_a_door_can_let_in_is_warned_of_at_the_last(fits: int, there: OutsideDestination, said: str) -> None:
    many = [push(f"orders-{number:02}", destination=there, users=()) for number in range(fits + 1)]
    assert check_policy_sizes(estate_of(*many[:-1])) == ()
    (found,) = check_policy_sizes(estate_of(*many))
    assert (found.code, found.severity, found.message) == ("EX704", Severity.WARNING, said)


def test_the_longest_role_of_a_mover_is_a_subject_that_google_takes() -> None:
    longest = push("x" * 52, users=(), keep_files=True).mover_role_arn(PLATFORM)
    assert len(longest.encode()) <= 127


def test_a_provider_that_several_exports_come_in_by_names_each_of_their_roles() -> None:
    one, other = orders(GOOGLE), push("tables", destination=at_google(bucket="hj-other"), users=(), keep_files=True)
    (found,) = halves_of(estate_of(one, other, orders(AZURE)), one, issuer=ISSUER)
    copies = "arn:aws:iam::593291632749:role/service-role/export_tables-copy"
    assert f'assertion.sub in ["{ROLE}", "{copies}"]' in letter_of(found)


@KINDS
def test_its_terraform_can_be_parsed_and_holds_what_the_letter_asks_for(there: OutsideDestination) -> None:
    for issuer in (ISSUER, ""):
        text = terraform_of(half(there, issuer=issuer))
        parsed = hcl2.loads(text)
        kinds = {name.strip('"') for block in parsed["resource"] for name in block}
        assert ROLE in text
        assert (ISSUER in text) == bool(issuer)
        assert ("export_orders_issuer" in text) == (not issuer)
        if there is AZURE:
            assert kinds == {
                "azuread_application_federated_identity_credential",
                "azurerm_federated_identity_credential",
                "azurerm_role_definition",
                "azurerm_role_assignment",
            }
        else:
            assert kinds >= {
                "google_iam_workload_identity_pool_provider",
                "google_project_iam_custom_role",
                "google_storage_bucket_iam_member",
            }
            assert ("google_service_account_iam_member" in kinds) == (ACCOUNT in str(there.declaration))


@KINDS
def test_the_other_forms_have_the_facts_or_refuse(there: OutsideDestination) -> None:
    (facts,) = json_data(handover_as_data([half(there)]))["handovers"]
    assert (facts["mover_role"], facts["issuer"], facts["audience"]) == (ROLE, ISSUER, AUDIENCES[there.field])
    assert facts["arrives_under"] == ADDRESSES[there.field]
    assert facts["probe_object"] == f"{ADDRESSES[there.field]}.exports-probe"
    assert owner_of(half(there)) is None
    with pytest.raises(RefusedError, match="CloudFormation can make nothing in the"):
        cloudformation_of(half(there))


@KINDS
def test_nothing_of_aws_is_asked_of_the_recipient(there: OutsideDestination) -> None:
    route = route_of(estate_of(orders(there)), orders(there))
    assert (dict(route.statements), route.policy["Statement"], route.owner) == ({}, [], "")


# --- failures and probes ---------------------------------------------------------------------------------------------


OF_TOKENS = {Cause.HUB_FEDERATION, Cause.RECIPIENT_FEDERATION}
ANSWERED = [
    (there, cause)
    for there, causes in (
        (AZURE, {cause for cause, _ in azure_codes._CODES} | OF_TOKENS),
        (GOOGLE, {cause for cause, _ in google_codes._CODES} | OF_TOKENS),
        (at_s3(), {meaning.of(side) for meaning in s3_codes._CODES for side in Side}),
    )
    for cause in sorted(causes)
]


@pytest.mark.parametrize(("there", "cause"), ANSWERED)
def test_every_cause_that_a_place_can_answer_has_its_advice(there: AnyDestination, cause: Cause) -> None:
    estate = estate_of(orders(there))
    advice = advice_on_cause(cause, estate, orders(there), now=NOW)
    theirs = there.advice(cause, route_of(estate, orders(there)))
    assert theirs == (advice if cause.side is Side.RECIPIENT else None)
    assert not cause.side or advice.text != advice_on_cause("unwell", estate, orders(there), now=NOW).text
    assert isinstance(there, S3Destination) or "S3 holds" not in advice.text


def lacks(there: OutsideDestination, *tries: Try, good: bool | None = True) -> list[tuple[Party, str, str]]:
    found = there.lacks(tries, route_of(estate_of(orders(there)), orders(there)), is_ours_good=good)
    return [(each.side, each.what, each.next_step) for each in found]


def refused(what: str, code: str, said: str = "no") -> Try:
    return Try(what, Verdict.REFUSED, code, said, "")


@KINDS
def test_a_probe_tells_whose_token_is_missing_and_who_does_not_let_it_in(there: OutsideDestination) -> None:
    assert lacks(there, *(Try(what, Verdict.ALLOWED) for what in there.tries)) == []
    off = refused("token", "OutboundWebIdentityFederationDisabledException")
    assert lacks(there, off) == [(Party.OURS, IS_OFF, HOW_TO_TURN_ON)]
    denied = refused("token", "AccessDenied")
    assert [side for side, *_ in lacks(there, denied)] == [Party.OURS]
    assert lacks(there, denied, good=False) == []  # that our policy is another one has been said
    (theirs,) = lacks(there, Try("token", Verdict.ALLOWED), refused("exchange", "strange", "whatever it says"))
    assert theirs[0] is Party.THEIRS
    assert "strange, whatever it says" in theirs[1]
    assert theirs[2] == "send its owner `exports handover orders`"


@pytest.mark.parametrize(
    ("there", "tried", "means"),
    [
        (AZURE, refused("exchange", "AADSTS700213"), "the application has no federated credential"),
        (AZURE, refused("exchange", "AADSTS90002"), "there is no such tenant"),
        (AZURE, refused("put", "AuthorizationPermissionMismatch"), "the application has no role on the container"),
        (AZURE, refused("put", "ContainerNotFound"), "there is no such container"),
        (AZURE, refused("overwrite", "BlobImmutableDueToPolicy"), "a policy of immutability or a legal hold"),
        (GOOGLE, refused("exchange", "unauthorized_client"), "the condition of the provider does not name the role"),
        (GOOGLE, refused("impersonate", "PERMISSION_DENIED"), "the service account does not let the role act as it"),
        (GOOGLE, refused("put", "NoSuchBucket"), "there is no such bucket"),
    ],
)
def test_what_a_cloud_is_known_to_say_is_told_in_words(there: OutsideDestination, tried: Try, means: str) -> None:
    ((side, _, next_step),) = lacks(there, tried)
    assert side is Party.THEIRS
    assert next_step.startswith(means)


def test_what_is_not_known_of_the_account_is_said_and_no_yes() -> None:
    assert Federation(is_on=True, issuer=ISSUER).warning == ""
    assert Federation(is_on=None, not_told="denied").warning.endswith("is not known: denied")


def test_a_bucket_of_s3_is_told_of_as_before() -> None:
    mover = next(each for each in grants(at_s3()) if "s3:PutObjectAcl" in each.actions)
    assert mover == replace(mover, destination=None, conditions=())
    assert mover.owner_account == AccountId("754256621582")


@pytest.mark.parametrize("known", [azure_probe._KNOWN, google_probe._KNOWN])
def test_no_code_of_a_cloud_hides_behind_one_that_it_begins_with(known: dict[str, str]) -> None:
    codes = list(known)
    assert [(one, other) for n, one in enumerate(codes) for other in codes[:n] if one.startswith(other)] == []
