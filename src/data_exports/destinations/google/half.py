"""What the owner of a bucket of Google Cloud Storage puts in place. Effects: none.

https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
https://cloud.google.com/iam/docs/workload-identity-federation#conditions
https://cloud.google.com/storage/docs/access-control/using-iam-permissions#conditions-iam
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_exports.contract.federation import google_audience_of
from data_exports.contract.keys import probe_key_of
from data_exports.contract.timing import ABANDONED_UPLOAD_DAYS
from data_exports.destinations.destination import Document, Route
from data_exports.destinations.google.bucket import PERMISSIONS, GoogleBucket
from data_exports.destinations.half import Expression, Provider, RecipientHalf, TerraformBlock
from data_exports.destinations.outside import NOT_CARRIED, PREMISE, confined_by_identity, issuer_in, issuer_steps
from data_exports.instructions import Instruction

_PROVIDERS = (Provider("google", "hashicorp/google", ">= 5.0"),)
IMPERSONATE = "roles/iam.workloadIdentityUser"
"""https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers#impersonation"""


CONDITION_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class GoogleBucketHalf:
    """All of it for programs."""

    bucket: str
    project_number: str
    provider: str
    service_account: str | None
    mover_role: str
    issuer: str | None
    """None where nobody has asked AWS."""
    audience: str
    arrives_under: str
    principal: str
    attribute_condition: str
    permissions: Sequence[str]
    member: str
    condition: str
    lifecycle_rule: Document
    probe_object: str


def google_half_of(there: GoogleBucket, route: Route) -> RecipientHalf:
    """The half of one dataset."""
    under, probe_object = f"{there.uri}/{route.prefix}", f"{there.uri}/{probe_key_of(route.dataset)}"
    return RecipientHalf(
        noun="bucket",
        name=there.name,
        premise=PREMISE,
        arrival=f"Each file that a sender uploads as PATH arrives as {under}PATH, with its content type and metadata; "
        f"{NOT_CARRIED}. It usually arrives within seconds. The same path again takes the place of the object: turn on "
        "the versioning of the bucket if you want the older ones.",
        confined="With what we ask for, the role can write there, and what it has written it can replace, which Google "
        "calls to delete and to create: it has the right to delete under that prefix, and uses it for nothing else. It "
        f"cannot read or list in your bucket.{confined_by_identity(there.acts_as, route)}",
        probe_object=probe_object,
        steps=tuple(_steps(there, route)),
        facts=GoogleBucketHalf(
            *(there.bucket, there.project_number, there.provider, there.service_account, route.mover_role),
            *(route.issuer or None, google_audience_of(there.provider), under, _principal(there, route)),
            *(attribute_condition_of(route), PERMISSIONS, _member(there, route), binding_condition_of(there, route)),
            *(_lifecycle_rule(route), probe_object),
        ),
        terraform=tuple(_terraform(there, route)),
        providers=_PROVIDERS,
        commands=(
            f"gcloud storage buckets get-iam-policy {there.uri}",
            f"gcloud storage ls --recursive {under}",
        ),
        ending=(
            Instruction(
                "This takes our role's access away, within minutes, whatever token it still has:",
                lines=(
                    f"gcloud storage buckets remove-iam-policy-binding {there.uri} --all \\",
                    f"  --member='{_member(there, route)}' --role=projects/PROJECT/roles/{_name_of(route)}",
                ),
                remark="What has arrived stays. If nothing else uses it, the provider may go, too.",
            ),
            *_end_of_acting(there, route),
        ),
    )


def google_crowding(there: GoogleBucket, route: Route) -> str:
    """A condition of a provider holds so many characters, and ours names each role whole.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
    The same page bounds `google.subject` by 127 bytes: a mover's role, of 108 at most, always fits.
    """
    characters = len(attribute_condition_of(route))
    if characters <= CONDITION_CHARACTERS:
        return ""
    return (
        f"the condition of {there.provider} would have {characters:,} characters to name "
        f"{len(route.also_let_in) + 1} roles; Google takes {CONDITION_CHARACTERS:,}"
    )


def attribute_condition_of(route: Route) -> str:
    """Which roles the provider lets in at all: those of this estate's exports to it, by their whole ARNs.

    A beginning of an ARN would let in roles that somebody of our account makes one day.
    """
    roles = sorted({route.mover_role, *route.also_let_in})
    return f"assertion.sub in [{', '.join(_in_quotes(each) for each in roles)}]"


def binding_condition_of(there: GoogleBucket, route: Route) -> str:
    """Of the role's binding: under this prefix.

    https://cloud.google.com/iam/docs/conditions-resource-attributes#resource-name
    """
    return f'resource.name.startsWith("projects/_/buckets/{there.bucket}/objects/{route.prefix}")'


def _in_quotes(text: str) -> str:
    return f'"{text}"'


def _principal(there: GoogleBucket, route: Route) -> str:
    return f"principal://iam.googleapis.com/{there.provider.pool}/subject/{route.mover_role}"


def _member(there: GoogleBucket, route: Route) -> str:
    return f"serviceAccount:{there.service_account}" if there.service_account else _principal(there, route)


def _name_of(route: Route) -> str:
    """What is made for a dataset is called after it: letters, digits, ``_`` and dots.

    https://cloud.google.com/iam/docs/creating-custom-roles
    """
    return f"data_export_{route.dataset}".replace("-", "_")


def _lifecycle_rule(route: Route) -> Document:
    """Recommended: parts of an upload that was broken off are billed until somebody removes them.

    https://cloud.google.com/storage/docs/lifecycle#abort-mpu
    """
    return {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": ABANDONED_UPLOAD_DAYS, "matchesPrefix": [str(route.prefix)]},
    }


def _steps(there: GoogleBucket, route: Route) -> Iterator[Instruction]:
    provider, named = there.provider, _name_of(route)
    in_pool = f"--project={there.project_number} --location=global --workload-identity-pool={provider.pool_id} \\"
    others = f" It names {len(route.also_let_in) + 1} roles of ours, all that come in here." * bool(route.also_let_in)
    yield from issuer_steps(route)
    yield Instruction(
        "Let our tokens be shown in your project, if that provider is not there yet. Its condition lets in our role by "
        f"its whole name, and no other.{others}",
        lines=(
            f"gcloud iam workload-identity-pools create {provider.pool_id} \\",
            f"  --project={there.project_number} --location=global",
            f"gcloud iam workload-identity-pools providers create-oidc {provider.provider_id} \\",
            f"  {in_pool}",
            f"  --issuer-uri={issuer_in(route)} --attribute-mapping=google.subject=assertion.sub \\",
            f"  --attribute-condition='{attribute_condition_of(route)}'",
        ),
        remark="If it is there, see that its condition names our role: `gcloud iam workload-identity-pools providers "
        f"update-oidc {provider.provider_id}` with the same --attribute-condition. The services "
        "iam.googleapis.com and sts.googleapis.com"
        + (", and iamcredentials.googleapis.com," * bool(there.service_account))
        + " must be on in the project.",
    )
    if there.service_account:
        yield Instruction(f"Let our role act as {there.service_account}:", lines=_acting("add", there, route))
    yield Instruction(
        "Make a role that can write objects, and give it in your bucket alone, under "
        f"{route.prefix} alone; PROJECT is the id of the project that the bucket is in:",
        lines=(
            f"gcloud iam roles create {named} --project=PROJECT --stage=GA \\",
            f"  --permissions={','.join(PERMISSIONS)}",
            f"gcloud storage buckets add-iam-policy-binding {there.uri} \\",
            f"  --member='{_member(there, route)}' \\",
            f"  --role=projects/PROJECT/roles/{named} \\",
            f"  --condition='title={named},expression={binding_condition_of(there, route)}'",
        ),
        remark="Conditions hold in buckets with uniform bucket-level access; `gcloud storage buckets update "
        f"{there.uri} --uniform-bucket-level-access` turns it on. A retention policy, or a hold, keeps us from "
        "replacing a file that is sent again.",
    )
    yield Instruction(
        "Recommended: add this rule to the bucket's lifecycle rules. Large files arrive in parts; should an upload be "
        f"broken off, Google bills its parts until somebody removes them. The rule does, after {ABANDONED_UPLOAD_DAYS} "
        f"days, under {route.prefix} alone.",
        _lifecycle_rule(route),
    )


def _end_of_acting(there: GoogleBucket, route: Route) -> Iterator[Instruction]:
    if there.service_account:
        asks = "And this ends that our role can act as your service account, for this bucket or anything else:"
        yield Instruction(asks, lines=_acting("remove", there, route))


def _acting(verb: str, there: GoogleBucket, route: Route) -> tuple[str, ...]:
    return (
        f"gcloud iam service-accounts {verb}-iam-policy-binding {there.service_account} \\",
        f"  --role={IMPERSONATE} \\",
        f"  --member='{_principal(there, route)}'",
    )


def _terraform(there: GoogleBucket, route: Route) -> Iterator[TerraformBlock]:
    name, provider = f"export_{route.dataset}", there.provider
    project, is_new = f"{name}_project", f"{name}_makes_provider"
    issuer = Expression(f"var.{name}_issuer") if not route.issuer else route.issuer
    if not route.issuer:
        asks = "Who issues the tokens of our account: ask us."
        yield TerraformBlock(("variable", f"{name}_issuer"), {"type": Expression("string"), "description": asks})
    asks = f"The id of the project that the bucket {there.bucket} is in."
    yield TerraformBlock(("variable", project), {"type": Expression("string"), "description": asks})
    asks = (
        f"Is there no provider {provider.provider_id} yet? If there is, give it the condition local.{name}_condition."
    )
    yield TerraformBlock(("variable", is_new), {"type": Expression("bool"), "description": asks})
    yield TerraformBlock(("locals",), {f"{name}_condition": attribute_condition_of(route)})
    made = {"count": Expression(f"var.{is_new} ? 1 : 0"), "project": there.project_number}
    pool = TerraformBlock(
        ("resource", "google_iam_workload_identity_pool", name),
        {**made, "workload_identity_pool_id": provider.pool_id},
    )
    yield pool
    yield TerraformBlock(
        ("resource", "google_iam_workload_identity_pool_provider", name),
        {
            **made,
            "workload_identity_pool_id": Expression(
                f"google_iam_workload_identity_pool.{name}[0].workload_identity_pool_id"
            ),
            "workload_identity_pool_provider_id": provider.provider_id,
            "attribute_mapping": {"google.subject": "assertion.sub"},
            "attribute_condition": Expression(f"local.{name}_condition"),
        },
        (TerraformBlock(("oidc",), {"issuer_uri": issuer}),),
    )
    if there.service_account:
        yield TerraformBlock(
            ("resource", "google_service_account_iam_member", name),
            {
                "service_account_id": f"projects/-/serviceAccounts/{there.service_account}",
                "role": IMPERSONATE,
                "member": _principal(there, route),
            },
        )
    yield TerraformBlock(
        ("resource", "google_project_iam_custom_role", name),
        {
            "project": Expression(f"var.{project}"),
            "role_id": _name_of(route),
            "title": f"Data export {route.dataset}: write objects",
            "permissions": list(PERMISSIONS),
        },
    )
    yield TerraformBlock(
        ("resource", "google_storage_bucket_iam_member", name),
        {
            "bucket": there.bucket,
            "role": Expression(f"google_project_iam_custom_role.{name}.id"),
            "member": _member(there, route),
        },
        (TerraformBlock(("condition",), {"title": _name_of(route), "expression": binding_condition_of(there, route)}),),
    )
