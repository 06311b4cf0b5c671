"""What tests do with the stand-ins of other clouds: who is let in there, tokens, requests as they go over the wire."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from data_exports.local.clouds.declared import (
    BlobContainer,
    BucketBinding,
    CloudBucket,
    EntraApplication,
    FederatedCredential,
    RoleAssignment,
    WorkloadProvider,
)
from data_exports.local.clouds.running import LocalClouds
from tests.emulator.steps import ACCOUNT, Steps, refusal_of

TENANT, CLIENT = "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d", "8f2c6d7e-0000-4000-8000-000000000001"
STORAGE_ACCOUNT, CONTAINER, BUCKET = "hjresearch", "incoming", "hj-incoming"
POOL = "projects/1234567/locations/global/workloadIdentityPools/moj-pool"
PROVIDER = f"{POOL}/providers/exports"
AZURE_AUDIENCE, GOOGLE_AUDIENCE = "api://AzureADTokenExchange", f"https://iam.googleapis.com/{PROVIDER}"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
DATA_ACTIONS = (f"{BLOBS}/add/action", f"{BLOBS}/write")
PERMISSIONS = (
    "storage.multipartUploads.abort",
    "storage.multipartUploads.create",
    "storage.objects.create",
    "storage.objects.delete",
)
READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write"
X_MS = {"x-ms-version": "2023-11-03", "x-ms-blob-type": "BlockBlob"}
PREFIX = "orders/"

Headers = Mapping[str, str]
WireAnswer = tuple[int, Headers, bytes]


def issuer_of(steps: Steps, account: str = ACCOUNT) -> str:
    """The issuer of an account's tokens for outside AWS, turned on if it was not."""
    iam = steps.client("iam", account)
    if refusal_of(iam.get_outbound_web_identity_federation_info):
        return str(iam.enable_outbound_web_identity_federation()["IssuerIdentifier"])
    return str(iam.get_outbound_web_identity_federation_info()["IssuerIdentifier"])


def blob_condition(container: str = CONTAINER, prefix: str = PREFIX) -> str:
    """Of a role's assignment, as the letter to the recipient writes it."""
    others = " AND ".join(f"!(ActionMatches{{'{action}'}})" for action in DATA_ACTIONS)
    place = f"@Resource[{BLOBS.removesuffix('/blobs')}:name] StringEquals '{container}'"
    return f"(({others}) OR ({place} AND @Resource[{BLOBS}:path] StringStartsWith '{prefix}'))"


def object_condition(bucket: str = BUCKET, prefix: str = PREFIX) -> str:
    """Of a binding, as the letter to the recipient writes it."""
    return f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{prefix}")'


def principal_of(role: str) -> str:
    """Who a role of AWS is in Google's pool."""
    return f"principal://iam.googleapis.com/{POOL}/subject/{role}"


@dataclass(frozen=True)
class OtherClouds:
    """The stand-ins, an issuer that they trust, and the role of AWS that they let in."""

    clouds: LocalClouds
    issuer: str
    role: str

    def let_in_by_entra(self, *, token_seconds: int = 3599, **changed: Any) -> None:
        """Have the application take the role's tokens."""
        said = {"issuer": self.issuer, "subject": self.role, "audiences": (AZURE_AUDIENCE,)} | changed
        credential = FederatedCredential(**said)
        self.clouds.declare(EntraApplication(TENANT, CLIENT, (credential,), token_seconds))

    def let_write_blobs(
        self, actions: tuple[str, ...] = DATA_ACTIONS, condition: str = "", container: str = CONTAINER, **more: Any
    ) -> None:
        """Give the application a role in the container."""
        assignment = RoleAssignment(CLIENT, actions, condition or blob_condition(container))
        self.clouds.declare(BlobContainer(STORAGE_ACCOUNT, container, TENANT, (assignment,), **more))

    def let_in_by_google(self, **changed: Any) -> None:
        """Have the provider take the role's tokens."""
        condition = f'assertion.sub in ["{self.role}"]'
        self.clouds.declare(
            WorkloadProvider(**{"name": PROVIDER, "issuer": self.issuer, "attribute_condition": condition} | changed)
        )

    def let_write_objects(
        self,
        permissions: tuple[str, ...] = PERMISSIONS,
        condition: str = "",
        member: str = "",
        bucket: str = BUCKET,
        **more: Any,
    ) -> None:
        """Give the role, or this member, a role in the bucket."""
        member = member or principal_of(self.role)
        binding = BucketBinding(member, permissions, condition or object_condition(bucket))
        self.clouds.declare(CloudBucket(bucket, (binding,), **more))

    def blob(
        self, method: str, key: str, bearer: str, body: bytes = b"", query: str = "", **headers: str
    ) -> WireAnswer:
        """One request to the container."""
        path = f"/{STORAGE_ACCOUNT}/{CONTAINER}/{key}{query}"
        return self.ask("blobs", method, path, body, X_MS | _with(bearer, headers))

    def object(
        self, method: str, key: str, bearer: str, body: bytes = b"", query: str = "", **headers: str
    ) -> WireAnswer:
        """One request to the bucket."""
        return self.ask("objects", method, f"/{BUCKET}/{key}{query}", body, _with(bearer, headers))

    def entra_answer(self, assertion: str, *, tenant: str = TENANT, **changed: str) -> tuple[int, Any]:
        """What Entra says to a token."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "scope": "https://storage.azure.com/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        } | changed
        status, _headers, told = self.ask("entra", "POST", f"/{tenant}/oauth2/v2.0/token", _form(asked), FORM)
        return status, json.loads(told)

    def google_answer(self, token: str, **changed: str) -> tuple[int, Any]:
        """What Google's STS says to a token."""
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": f"//iam.googleapis.com/{PROVIDER}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "subject_token": token,
            "scope": READ_WRITE,
        } | changed
        status, _headers, told = self.ask("google_tokens", "POST", "/v1/token", _form(asked), FORM)
        return status, json.loads(told)

    def ask(self, service: str, method: str, path: str, body: bytes, headers: Headers) -> WireAnswer:
        """One request as it is."""
        connection = http.client.HTTPConnection(urlsplit(self.clouds.url(service)).netloc, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()
        finally:
            connection.close()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _form(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode()


def _with(bearer: str, headers: Headers) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
