"""``exports local``: the whole system on this machine, in a process of its own, with IAM enforced."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.cli.completion import complete_principals, complete_push_datasets
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, load
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.errors import LocalAwsError, UsageError
from data_exports.names import AccountId, DatasetName, InvalidNameError, RoleArn
from data_exports.text import printable

if TYPE_CHECKING:
    from data_exports.estate.models import Estate
    from data_exports.local.emulator import LocalAws
    from data_exports.readers.kinds import AnyReader

PortOption = Annotated[
    int | None, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Port on 127.0.0.1. Default: a free one.")
]
WithoutHandoverOption = Annotated[
    list[str] | None,
    typer.Option(
        "--without-handover",
        metavar="NAME",
        autocompletion=complete_push_datasets,
        help="Push dataset whose recipient has not granted access yet. May be given more than once.",
    ),
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="ROLE",
        autocompletion=complete_principals,
        help="Role of a user or a reader, by name or ARN; or an account's id: its owner. Default: the platform's.",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Have tools ask for the role by this token, as readers outside AWS do; --as is the role's ARN then.",
    ),
]
OfOption = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="ROLE",
        autocompletion=complete_principals,
        help="Role of a declared reader outside AWS, by name or ARN: a right token of it, but for what else is given.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``exports local`` and its commands."""
    local = typer.Typer(help="Run it all on this machine, with IAM enforced.", no_args_is_help=True)
    for name, command in (("up", up), ("env", env), ("token", token), ("status", status), ("down", down)):
        local.command(name)(command)
    app.add_typer(local, name="local")


def up(*, estate: EstateOption = None, port: PortOption = None, without_handover: WithoutHandoverOption = None) -> None:
    """Start a local AWS for an estate, and the world around it.

    The world: every user's role, every recipient's bucket with the policy of the handover, every outside role. Run it
    again after the estate has changed and it adds what is new.

    Example:
      exports local up --estate examples/estate
      eval "$(exports local env --estate examples/estate)" &&
        exports deploy --estate examples/estate
    """
    from data_exports.local.emulator import read_status, start, stop
    from data_exports.local.folders import local_folder_of
    from data_exports.local.world import make_local_world

    declared, folder = load(estate).require(), local_folder_of(estate_folder(estate))
    withheld = [_push_name_of(declared, name) for name in without_handover or []]
    running, platform = read_status(folder), declared.platform
    if running is None:
        write_progress("starting the local AWS ...")
    elif port not in (None, running.port):
        raise UsageError(f"it runs already, on port {running.port}", next_step="stop it first: exports local down")
    try:
        local = running or start(folder, account=platform.account, region=platform.region, port=port)
        make_local_world(local, declared, without_handover=withheld)
    except BaseException:  # Ctrl-C as well, even between the two
        if running is None and (started := read_status(folder)):  # half a world would look like a whole one
            stop(started)
        raise
    write_progress(f"the local AWS runs on {local.endpoint_url} (pid {local.pid})")
    option = _option(estate)
    write_progress(f'  next: eval "$(exports local env{option})" && exports deploy{option}')
    write_progress(f"  stop: exports local down{option}")


def env(
    *,
    estate: EstateOption = None,
    role: AsOption = None,
    token_file: TokenFileOption = None,
    unset: Annotated[bool, typer.Option("--unset", help="Print what takes the variables away again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the variables with which any AWS tool acts on the local AWS.

    The keys are of this start of the local AWS. Your own AWS profiles are hidden, and no real server of AWS is trusted,
    until the terminal is closed or --unset takes the variables away. Use aws version 2: version 1 ignores the endpoint
    for sqs.

    Example:
      eval "$(exports local env --as alpha_user_annika-lindqvist)" &&
        aws s3 cp hearings.csv s3://mojap-hub-exports/court_hearings/
    """
    from data_exports.local.clients import VARIABLES

    if unset:
        write_data(f"unset {' '.join(VARIABLES)}")
        return
    try:
        variables = _variables(estate, role, token_file)
    except Exception:
        if not as_json:
            write_data("false")  # for `eval`: taken for success, it would let the next command meet the real AWS
        raise
    if as_json:
        from data_exports.views.local import LocalEnvData

        write_json("local-env", LocalEnvData(variables))
        return
    for name, value in variables.items():
        write_data(f"export {name}={shlex.quote(value)}")
    if _aws_is_old():
        write_progress(
            'aws here is version 1, which would send "aws sqs" to the real AWS: it is stopped by AWS_CA_BUNDLE. '
            'Use version 2, or: aws sqs --endpoint-url "$AWS_ENDPOINT_URL" ...'
        )


def _aws_is_old() -> bool:
    """Whether the `aws` that this terminal finds is version 1, which is a Python script (version 2 rarely is)."""
    found = shutil.which("aws")
    try:
        if found is None or not _is_script(Path(found)):
            return False
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return (said.stdout + said.stderr).startswith("aws-cli/1.")


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _variables(estate: Path | None, role: str | None, token_file: Path | None) -> dict[str, str]:
    from data_exports.estate.atomic_files import write_private
    from data_exports.local.clients import environment_of
    from data_exports.local.issuers import local_issuer, token_claims_of

    local = _running(estate)
    if token_file is not None:
        if not token_file.is_file():
            raise UsageError(
                f"there is no file {printable(str(token_file))}", next_step="write one: exports local token"
            )
        try:
            return environment_of(local, RoleArn(role or ""), token_file=token_file)
        except InvalidNameError as error:
            raise UsageError("a token is for a role's ARN", next_step="name it: --as ARN") from error
    declared = load(estate).require()
    arn = _principal_of(declared, role)
    reader = _reader_behind(declared, arn)
    if reader is not None:
        token_file = local.folder / f"{reader.short_id}.token"
        write_private(token_file, local_issuer(local.folder, reader.issuer).token(token_claims_of(reader)))
    return environment_of(local, arn, token_file=token_file)


def token(
    file: Annotated[Path, typer.Argument(help="File to write, for your user alone.", metavar="FILE")],
    *,
    of: OfOption = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help="Whose token it is: its iss.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="TEXT", help="Whom it stands for: its sub.")] = None,
    audience: Annotated[str | None, typer.Option(metavar="TEXT", help="For whom it is: its aud.")] = None,
    claims: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="CLAIM=TEXT", help="Any other claim, such as azp=... May be given again."),
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long it is valid; below 0: how long it has been expired.")] = 60,
    estate: EstateOption = None,
) -> None:
    """Write a token of a reader outside AWS, signed by a stand-in for Google, Entra, a cluster or GitHub.

    Only this start of the local AWS believes it; as AWS does, it takes an expired token for five minutes more. To act
    as a declared reader, exports local env --as ROLE is enough: this is for wrong tokens, and for who is not declared.

    Example:
      exports local token token.jwt --of export_court_lists-pull-1f0a9c3e --audience wrong &&
        eval "$(exports local env --as ROLE_ARN --token-file token.jwt)"
    """
    from data_exports.estate.atomic_files import write_private
    from data_exports.local.issuers import local_issuer, token_claims_of

    wrong = next((claim for claim in claims or [] if "=" not in claim), None)
    if wrong is not None:
        raise UsageError(f"{printable(wrong)} is no claim", next_step="write it as CLAIM=TEXT, such as azp=...")
    named: dict[str, Any] = {}
    if of is not None:
        declared = load(estate).require()
        reader = _reader_behind(declared, _principal_of(declared, of))
        if reader is None:
            raise UsageError(f"{printable(of)} needs no token", next_step="exports local env --as takes it as it is")
        issuer, named = issuer or reader.issuer, token_claims_of(reader)
    named |= {name: value for name, value in (("sub", subject), ("aud", audience)) if value is not None}
    named |= dict(claim.split("=", 1) for claim in claims or [])
    if issuer is None or not {"sub", "aud"} <= named.keys():
        raise UsageError("whose token is not said", next_step="give --of, or --issuer, --subject and --audience")
    if not issuer.startswith("https://"):
        raise UsageError(f"{printable(issuer)} is no issuer", next_step="write the tokens' iss: https://...")
    made = local_issuer(_running(estate).folder, issuer).token(named, valid_seconds=minutes * 60)
    try:
        write_private(file, made)
    except OSError as error:
        raise UsageError(
            f"{printable(str(file))} cannot be written: {error.strerror}", next_step="name another file"
        ) from error
    write_progress(f"wrote {printable(str(file))}")


def status(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Tell whether the estate's local AWS runs, and where.

    Example:
      exports local status
    """
    local = _running(estate)
    from data_exports.json_values import json_object_of
    from data_exports.views.local import LocalStatusData

    facts = LocalStatusData(local.endpoint_url, local.pid, local.account, local.region, local.log_file)
    if as_json:
        write_json("local-status", facts)
        return
    for name, value in json_object_of(facts).items():
        write_data(f"{name:<13} {value}")


def down(*, estate: EstateOption = None) -> None:
    """Stop the estate's local AWS; everything in it is gone then.

    Example:
      exports local down
    """
    from data_exports.local.emulator import read_status, stop
    from data_exports.local.folders import local_folder_of

    local = read_status(local_folder_of(estate_folder(estate)))
    if local is None:
        write_progress("no local AWS runs for this estate")
        return
    stop(local)
    write_progress(f"stopped the local AWS on {local.endpoint_url}")


def _running(estate: Path | None) -> "LocalAws":
    from data_exports.local.emulator import read_status
    from data_exports.local.folders import local_folder_of

    local = read_status(local_folder_of(estate_folder(estate)))
    if local is None:
        raise LocalAwsError(
            "no local AWS runs for this estate", next_step=f"start one: exports local up{_option(estate)}"
        )
    return local


def _option(estate: Path | None) -> str:
    """What names the same estate again on a command line."""
    return f" --estate {shlex.quote(str(estate))}" if estate else ""


def _push_name_of(estate: "Estate", name: str) -> DatasetName:
    names = [push.name for push in estate.push_datasets]
    if name not in names:
        raise UsageError(f"no push dataset is named {name!r}", next_step=f"there are: {', '.join(names)}")
    return DatasetName(name)


def _principal_of(estate: "Estate", role: str | None) -> str | None:
    """The ARN to act as: of the role of a user or a reader, by name or ARN; of an account's owner, by its id."""
    if role is None:
        return None
    if role.isdecimal():
        try:
            return f"arn:aws:iam::{AccountId(role)}:root"
        except InvalidNameError as error:
            raise UsageError(str(error), next_step=error.hint) from error
    from data_exports.local.world import user_role_of

    users = [user_role_of(estate.platform, user) for dataset in estate.datasets() for user in dataset.users]
    outsiders = [each for pull in estate.pull_datasets for each in pull.outsiders if isinstance(each, RoleArn)]
    known = sorted({*users, *outsiders, *_readers_outside_aws(estate)})
    for arn in known:
        if role in (arn, arn.name):
            return arn
    names = ", ".join(dict.fromkeys(arn.name for arn in known))
    raise UsageError(f"no dataset names the role {role!r}", next_step=f"roles are: {names}; or give an account's id")


def _readers_outside_aws(estate: "Estate") -> "dict[RoleArn, AnyReader]":
    """The readers who come with a token, by the ARNs of their roles."""
    return {
        pull.role_arn_of(reader, estate.platform): reader for pull in estate.pull_datasets for reader in pull.identities
    }


def _reader_behind(estate: "Estate", arn: str | None) -> "AnyReader | None":
    """The reader outside AWS whose role this is, if it is one's."""
    return next((reader for role, reader in _readers_outside_aws(estate).items() if role == arn), None)
