"""The probe of readers outside AWS: what is deployed for them, read back; and a try as the holder of a token.

In: an `Aws`, a pull dataset, a reader and its token. Out: checks, and what is lacking. Effects: reads roles and OIDC
providers; asks STS for a session, and tries as `tries` says. The token stands in no answer: AWS may repeat it, and then
it is taken out.
"""

from data_exports.access.grants import grants_of_pull
from data_exports.access.policies import federated_reader_policy, federated_trust_policy
from data_exports.access.statements import Policy
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, code_of, message_of, reason_of
from data_exports.destinations.destination import Lack, Party
from data_exports.errors import AwsError
from data_exports.estate.models import Estate, PullDataset
from data_exports.names import PULL_ROLE_POLICY, RoleArn, identity_provider_arn_of
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer
from data_exports.operate.probe.policies import compared
from data_exports.operate.probe.tries import Blame, Found, try_grants
from data_exports.readers.kinds import AnyReader

_SESSION = "exports-probe"
_LOOK = f"exports probe NAME, without a token, looks at our half; {PUT_IN_PLACE}"


def look_at_readers(estate: Estate, pull: PullDataset, aws: Aws) -> Found:
    """For each reader with tokens: its role, whom it trusts, what it may do, and the provider that it comes by."""
    grants = grants_of_pull(estate.platform, pull)
    for reader in pull.identities:
        trust = federated_trust_policy(estate.platform, reader, pull.until)
        role = pull.role_arn_of(reader, estate.platform)
        yield from look_at_role(role, reader.label, trust, federated_reader_policy(grants, reader), aws)
        if reader.provider:
            yield _provider(estate, reader, reader.provider, aws)


def look_at_role(role: RoleArn, who: str, trust: Policy, policy: Policy, aws: Aws) -> Found:
    """Whether the role of a reader is there, trusts it as declared, and may do what is declared."""
    iam, text = aws.client("iam"), f"our half: whom role {role.name} trusts"
    deploy = Lack(Party.OURS, f"role {role.name} does not let in {who} as declared", PUT_IN_PLACE)
    try:
        found = iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
    except AWS_EXCEPTIONS as error:
        yield not_seen(error, text, "there is no such role", "iam:GetRole", deploy)
        return
    yield compared(text, trust, found, deploy)
    text = f"our half: the policy of role {role.name}"
    deploy = Lack(Party.OURS, f"role {role.name} has not the policy {PULL_ROLE_POLICY} that is declared", PUT_IN_PLACE)
    try:
        found = iam.get_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY)["PolicyDocument"]
    except AWS_EXCEPTIONS as error:
        yield not_seen(error, text, "it has no such policy", "iam:GetRolePolicy", deploy)
        return
    yield compared(text, policy, found, deploy)


def _provider(estate: Estate, reader: AnyReader, name: str, aws: Aws) -> tuple[Check, Lack | None]:
    text = f"our half: the OIDC provider of {reader.issuer} knows the audience {reader.audience}"
    deploy = Lack(Party.OURS, f"the account takes no tokens of {reader.issuer} for {reader.audience}", PUT_IN_PLACE)
    arn = identity_provider_arn_of(estate.platform.account, name)
    try:
        found = aws.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except AWS_EXCEPTIONS as error:
        return not_seen(error, text, "there is no such provider", "iam:GetOpenIDConnectProvider", deploy)
    known = found.get("ClientIDList", [])
    if reader.audience in known:
        return Check(text, CheckAnswer.GOOD), None
    return Check(text, CheckAnswer.LACKING, f"it knows {', '.join(known) or 'none'}"), deploy


def not_seen(error: Exception, text: str, missing: str, action: str, deploy: Lack) -> tuple[Check, Lack | None]:
    """The check of what AWS does not show: because it is not there, or because we may not look."""
    match answer_of(error):
        case AwsAnswer.NOT_FOUND:
            return Check(text, CheckAnswer.LACKING, missing), deploy
        case AwsAnswer.FORBIDDEN:
            return Check(text, CheckAnswer.UNKNOWN, reason_of(error), action), None
        case _:
            raise aws_error_of(error) from error


def as_reader(estate: Estate, pull: PullDataset, reader: AnyReader, aws: Aws, token: str) -> Found:
    """Ask for the role with the token, and try what its grants allow, and that they allow no more."""
    role, text = pull.role_arn_of(reader, estate.platform), "as ourselves: get the role with the token"
    action = "sts:AssumeRoleWithWebIdentity"
    try:
        session = aws.by_web_identity(role, token, session_name=_SESSION)
    except AWS_EXCEPTIONS as error:
        said = reason_of(error).replace(token, "the token")
        lack = _lack_of(error, reader)
        if lack is None:
            unknown = aws_error_of(error)
            where, next_step = unknown.where, unknown.next_step
            raise AwsError(
                said, code=unknown.code, where=where, next_step=next_step, request_id=unknown.request_id
            ) from None
        yield Check(text, CheckAnswer.LACKING, said, action), lack
        return
    yield Check(text, CheckAnswer.GOOD, action=action), None
    mine = [grant for grant in grants_of_pull(estate.platform, pull) if grant.reader == reader]
    yield from try_grants(estate, pull, session, mine, Blame(Party.OURS, _LOOK), is_confined=True)


def _lack_of(error: Exception, reader: AnyReader) -> Lack | None:
    """What is lacking when STS refuses a token that fits; None when its answer is none about the token.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    said = message_of(error)
    match code_of(error):
        case "AccessDenied":
            return Lack(Party.OURS, f"our role is not there, or does not trust {reader.label} as declared", _LOOK)
        case "InvalidIdentityToken" if "No OpenIDConnect provider" in said or "audience" in said:
            return Lack(Party.OURS, f"the account takes no tokens of {reader.issuer} for {reader.audience}", _LOOK)
        case "InvalidIdentityToken" | "IDPRejectedClaim":
            return Lack(Party.THEIRS, f"AWS does not believe that {reader.issuer} issued the token", "get a new one")
        case "IDPCommunicationError":
            keys = f"let AWS fetch the keys that {reader.issuer} publishes, and try again"
            return Lack(Party.THEIRS, f"AWS cannot ask {reader.issuer}", keys)
        case "ExpiredTokenException":
            return Lack(Party.THEIRS, "the token has expired, by AWS's clock", "get a new one")
        case _:
            return None
