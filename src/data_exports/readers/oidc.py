"""Readers with tokens of an issuer that is named by its address: Kubernetes, GitHub Actions, any other. Effects: none.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.declared import DeclaredPart
from data_exports.instructions import Instruction
from data_exports.readers.guide import Guide, ReaderWay, token_file_profile_step, with_profile
from data_exports.readers.identifiers import Audience, Issuer, Namespace, ServiceAccountName, Subject
from data_exports.readers.reader import TokenReader
from data_exports.text import code_span, json_text

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_ISSUER = DeclaredPart(Issuer, "Who issues its tokens, to the letter as in their `iss`.")
_AUDIENCE = DeclaredPart(Audience, "What its tokens must say they are for.")


@dataclass(frozen=True, slots=True, order=True)
class KubernetesServiceAccount(TokenReader):
    """A service account of a cluster, with a projected token.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
    """

    issuer: Issuer
    namespace: Namespace
    service_account: ServiceAccountName
    audience: Audience
    kind: ClassVar[str] = "kubernetes"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "issuer": _ISSUER,
        "namespace": DeclaredPart(Namespace, "Namespace of the service account."),
        "service_account": DeclaredPart(ServiceAccountName, "Name of the service account."),
        "audience": _AUDIENCE,
    }

    @property
    def subject(self) -> str:
        """The tokens' `sub`."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "the service account", f"{self.namespace}/{self.service_account} of the cluster {self.issuer}"

    @property
    def party(self) -> str:
        """The cluster."""
        return self.issuer

    @property
    def party_words(self) -> tuple[str, str]:
        """The cluster."""
        return "the Kubernetes cluster", str(self.issuer)

    def guide(self, way: ReaderWay) -> Guide:
        """With a token that the kubelet puts into the pod, and renews.

        https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
        https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
        """
        return Guide(
            needs=f"The service account {self.service_account} in namespace {self.namespace} of the cluster whose "
            f"tokens are issued by {code_span(self.issuer)}; AWS must be able to fetch the issuer's keys from there. "
            "The service account needs no annotation, and there is no secret.",
            steps=(
                Instruction(
                    f"Give the pod a token for {code_span(self.audience)}, and tell AWS's tools where it is and for "
                    f"which role. As a pod that fetches all files into a volume, {way.profile}.yaml:",
                    lines=tuple(self._pod(way)),
                    remark="In a Deployment, a CronJob or a Job the same stands under spec.template. Every AWS SDK "
                    "takes the role from these variables and asks for a new session before one ends.",
                ),
            ),
            use=(
                Instruction(
                    "To see that it works: the files that the pod has fetched.",
                    lines=(
                        f"kubectl apply --filename {way.profile}.yaml",
                        f"kubectl logs --namespace {self.namespace} {_pod_name(way)}",
                    ),
                ),
            ),
            to_know="A service account that is deleted and made again under the same name keeps the access; so keep "
            "to those you trust the right to make service accounts, or pods, in its namespace.",
        )

    def _pod(self, way: ReaderWay) -> Iterator[str]:
        folder, region = "/var/run/secrets/exports", way.region
        yield from ("apiVersion: v1", "kind: Pod")
        yield f"metadata: {{name: {_pod_name(way)}, namespace: {json_text(self.namespace)}}}"
        yield from ("spec:", f"  serviceAccountName: {json_text(self.service_account)}", "  restartPolicy: Never")
        yield from ("  containers:", "    - name: fetch", "      image: public.ecr.aws/aws-cli/aws-cli")
        yield f'      args: [s3, sync, "s3://{way.bucket}/", /data/]'
        yield from ("      env:", f"        - {{name: AWS_ROLE_ARN, value: {json_text(way.role)}}}")
        yield f"        - {{name: AWS_WEB_IDENTITY_TOKEN_FILE, value: {folder}/token}}"
        yield f"        - {{name: AWS_REGION, value: {region}}}"
        yield from ("      volumeMounts:", f"        - {{name: token, mountPath: {folder}, readOnly: true}}")
        yield from ("        - {name: data, mountPath: /data}", "  volumes:", "    - name: data")
        yield from ("      emptyDir: {}", "    - name: token", "      projected:", "        sources:")
        audience = json_text(self.audience)
        yield f"          - serviceAccountToken: {{path: token, expirationSeconds: 3600, audience: {audience}}}"


def _pod_name(way: ReaderWay) -> str:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/names/."""
    return way.profile.replace("_", "-")


@dataclass(frozen=True, slots=True, order=True)
class TokenHolder(TokenReader):
    """Whoever an issuer calls by one subject."""

    issuer: Issuer
    subject: Subject
    audience: Audience
    kind: ClassVar[str] = "oidc"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "issuer": _ISSUER,
        "subject": DeclaredPart(Subject, "Whom its tokens are of: their `sub`, to the letter."),
        "audience": _AUDIENCE,
    }

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "the holder of a token", f"of {self.issuer} for {self.subject}"

    @property
    def party(self) -> str:
        """At GitHub, which issues tokens for everybody, the repository's owner; elsewhere the reader itself."""
        owner = self._github_owner
        return f"{self.issuer} {owner}" if owner else f"{self.issuer} {self.subject}"

    @property
    def party_words(self) -> tuple[str, str]:
        """The same for people."""
        return ("the owner of repositories at GitHub", self._github_owner) if self._github_owner else self.words

    def guide(self, way: ReaderWay) -> Guide:
        """In a workflow of GitHub with its own action; elsewhere with a file that the issuer's token is put into."""
        return self._workflow_guide(way) if self.issuer == GITHUB_ISSUER else self._file_guide(way)

    def _file_guide(self, way: ReaderWay) -> Guide:
        file = f"/var/run/{way.profile}/token"
        return Guide(
            needs=f"A token of {code_span(self.issuer)} that is a JWT and says of itself exactly what stands above; "
            "AWS must be able to fetch the issuer's keys from its address. No secret is shared with us.",
            steps=(
                Instruction(
                    f"Have the token written to {file}, for the program that reads files alone to read, and have it "
                    "written anew before it expires. The file holds the token and nothing else, not even an end of "
                    "line.",
                ),
                token_file_profile_step(way, file),
            ),
            use=with_profile(way),
            to_know="Whoever gets a token of this subject has the access; another subject has none: tell us first if "
            "it changes.",
        )

    def _workflow_guide(self, way: ReaderWay) -> Guide:
        """https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws."""
        return Guide(
            needs=f"A workflow whose tokens have the subject {code_span(self.subject)}. No secret is kept at GitHub.",
            steps=(Instruction("Use the role in a job of the workflow:", lines=tuple(self._job(way))),),
            use=(
                Instruction(
                    "To see that it works, run the workflow: its last step fetches the files. A run of another branch, "
                    "environment or repository has another subject, and is refused.",
                ),
            ),
            to_know="A repository that is renamed, or that changes how its subjects are made, has other subjects: tell "
            "us first.",
        )

    def _job(self, way: ReaderWay) -> Iterator[str]:
        """https://github.com/aws-actions/configure-aws-credentials#readme."""
        environment = self.subject.partition(":environment:")[2]
        yield from ("jobs:", "  fetch:", "    runs-on: ubuntu-latest")
        yield from [f"    environment: {json_text(environment)}"] if environment else []
        yield from ("    permissions:", "      id-token: write", "    steps:")
        yield from ("      - uses: aws-actions/configure-aws-credentials@v6", "        with:")
        yield f"          role-to-assume: {way.role}"
        yield from (f"          aws-region: {way.region}", f"          audience: {json_text(self.audience)}")
        yield f"      - run: aws s3 sync s3://{way.bucket}/ {way.dataset}/"

    @property
    def _github_owner(self) -> str:
        """Who owns the repository of a workflow; "" where the subject does not begin with one.

        https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
        """
        kind, _, rest = self.subject.partition(":")
        return rest.partition("/")[0] if self.issuer == GITHUB_ISSUER and kind == "repo" and "/" in rest else ""
