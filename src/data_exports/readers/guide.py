"""What a reader outside AWS is told: what it needs, what to put in place, how files are fetched then.

In: the reader's way to the bucket. Out: a `Guide`, and the commands and files that kinds have in common. Effects: none.
Nothing here is a secret, and no command shows a token to whoever looks at the list of processes.
"""

from dataclasses import dataclass

from data_exports.instructions import Instruction
from data_exports.names import BucketName, DatasetName, Region, RoleArn

SCRIPTS = "/usr/local/bin"
"""Where letters have people put a program of theirs; any other folder will do."""


@dataclass(frozen=True, slots=True)
class ReaderWay:
    """A reader's way to the files of one dataset."""

    dataset: DatasetName
    role: RoleArn
    """The role that it alone can assume."""
    bucket: BucketName
    region: Region
    may_write: bool

    @property
    def profile(self) -> str:
        """What the profile of `aws` is called, and what its own files are called after."""
        return f"export-{self.dataset}"


@dataclass(frozen=True, slots=True)
class Guide:
    """What the owner of a reader is told."""

    needs: str
    """What there must be on their side."""
    steps: tuple[Instruction, ...]
    use: tuple[Instruction, ...]
    """How files are fetched, and how to see that it works."""
    to_know: str
    """What of theirs may change, and what may not."""
    premise: str = (
        "That takes no account at AWS, and no key that somebody would have to keep: we have a role there that this "
        "reader alone can assume, by tokens of its own issuer."
    )
    to_keep: str = (
        "Send nobody a token: as long as it is valid it lets in whoever has it. What its issuer, subject and audience "
        "must be stands above."
    )
    """What nobody else may have."""


def with_profile(way: ReaderWay) -> tuple[Instruction, ...]:
    """How files are fetched with the profile of `aws`.

    https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html
    """
    bucket, profile = way.bucket, way.profile
    lines = [f"aws s3 sync s3://{bucket}/ {way.dataset}/ --profile {profile}"]
    if way.may_write:
        lines.append(f"aws s3 cp FILE s3://{bucket}/ --profile {profile}")
    python = ("import boto3", f's3 = boto3.Session(profile_name="{profile}").client("s3")')
    return (
        Instruction("From anywhere, over TLS 1.2 or newer:", lines=tuple(lines)),
        Instruction("From Python:", lines=(*python, f's3.download_file("{bucket}", "KEY", "FILE")')),
        Instruction(
            "To see that it works: the first command shows the role above, the second what is in the bucket.",
            lines=(
                f"aws sts get-caller-identity --profile {profile}",
                f"aws s3 ls s3://{bucket}/ --profile {profile}",
            ),
        ),
    )


def program_step(way: ReaderWay, *token: str) -> Instruction:
    """The program that prints credentials for a token; `token` are the lines of shell that print one.

    The token goes to `aws` through its standard input, without an end of line, which is no part of it. The profile
    that asks for this program is out of sight of the `aws` within it, which would ask for it again.
    https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html
    https://docs.aws.amazon.com/cli/latest/reference/sts/assume-role-with-web-identity.html
    """
    fields = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    query = ", ".join(("Version: `1`", *(f"{name}: {name}" for name in fields)))
    return Instruction(
        f"Make this program, {SCRIPTS}/{way.profile}, and let it be run (chmod 755). It holds no secret: it asks for a "
        "token each time, and AWS for credentials of an hour.",
        lines=(
            "#!/bin/sh",
            "token() {",
            *(f"  {line}" for line in token),
            "}",
            "token | tr -d '\\r\\n' |",
            "  env -u AWS_PROFILE -u AWS_DEFAULT_PROFILE aws sts assume-role-with-web-identity \\",
            f"    --role-arn {way.role} \\",
            f"    --role-session-name {way.profile} --web-identity-token file:///dev/stdin \\",
            f"    --region {way.region} --output json \\",
            f"    --query 'Credentials.{{{query}}}'",
        ),
    )


def program_profile_step(way: ReaderWay) -> Instruction:
    """The profile that asks that program.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    lines = (f"[profile {way.profile}]", f"credential_process = {SCRIPTS}/{way.profile}", f"region = {way.region}")
    return Instruction("Add this to ~/.aws/config:", lines=lines)


def token_file_profile_step(way: ReaderWay, token_file: str) -> Instruction:
    """The profile that reads a token from a file, anew for each session.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
    """
    lines = (
        f"[profile {way.profile}]",
        f"role_arn = {way.role}",
        f"web_identity_token_file = {token_file}",
        f"region = {way.region}",
    )
    return Instruction("Add this to ~/.aws/config:", lines=lines)
