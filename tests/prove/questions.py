"""Requests to be judged, each with the answer that `grants_of` gives.

In: an `Estate`. Out: `Question` values: everything that is granted, and a sample of what is not: other principals,
neighbouring keys, other actions, the wrong prefix, after the end, without TLS, for another source. Effects: none.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.access.grants import FunctionRight, Grant, Role, alert_topic_arns_of, grants_of, keeper_rights_of
from data_exports.estate.models import Estate
from data_exports.names import (
    ACCESS_LOG_PREFIX,
    AUDIT_PREFIX,
    AUDIT_TRAIL,
    AccountRootArn,
    RoleArn,
    UserArn,
    dead_letter_queue_name_of,
    keeper_role_arn_of,
    queue_name_of,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LEFT_OUT = "logs:CreateLogStream"
"""The evaluator knows log groups only without the ``:*`` that ends their ARNs at AWS.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html#CWL_ARN_Format"""
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
OTHER_OBJECT_ACTIONS = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:RestoreObject",
)
OTHER_BUCKET_ACTIONS = (
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetBucketLocation",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutBucketNotification",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
)
OTHER_QUEUE_ACTIONS = ("sqs:PurgeQueue", "sqs:SetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage")


@dataclass(frozen=True)
class Question:
    """May this principal do this, under these circumstances? And what kind of question that is."""

    kind: str
    principal: str
    action: str
    resource: str
    context: tuple[tuple[str, str | tuple[str, ...]], ...]
    expected: bool

    @property
    def whole_resource(self) -> str:
        """The resource that a policy is attached to: of an object its bucket; "*" where there is none."""
        if self.resource == "*":
            return self.resource
        return self.resource.partition("/")[0] if _service(self.resource) == "s3" else self.resource


def questions_of(estate: Estate) -> Iterator[Question]:
    """All of them; those that are granted come with their counterparts that are not."""
    grants = grants_on_resources(estate)
    for grant in grants:
        for principal in principals_of(grant):
            yield from _of_grant(grants, grant, principal)
    principals = sorted({principal for grant in grants for principal in principals_of(grant)} | strangers_of(grants))
    places = {(grant.resource, grant.key_prefix) for grant in grants if _service(grant.resource) != "logs"}
    resources = sorted(places, key=lambda place: (place[0], place[1] or ""))
    for resource, prefix in resources:
        moment = _moment_at_which_somebody_had_access(grants, resource)
        for principal in principals:
            for action in _other_actions(resource):
                yield _asked("anybody, anything", grants, principal, action, _concrete(resource), prefix, moment)
                for neighbour in _neighbours(resource):
                    yield _asked("anybody, elsewhere", grants, principal, action, neighbour, prefix, moment)
    yield from _of_services(estate)
    yield from _of_the_keeper(estate, grants)
    yield from _of_the_administrator(estate)
    yield from _of_the_alert_key(estate)


def grants_on_resources(estate: Estate) -> list[Grant]:
    """What is granted on resources of AWS's, which leaves out tokens for other clouds, and what those grant."""
    return [grant for grant in grants_of(estate) if grant.is_of_aws and grant.resource != "*"]


def administrator_of(estate: Estate) -> str:
    """A role of the platform's account that may do everything; the prover gives it that right."""
    return f"arn:aws:iam::{estate.platform.account}:role/administrator"


def is_granted(
    grants: Sequence[Grant], principal: str, action: str, resource: str, prefix: str | None, moment: datetime = NOW
) -> bool:
    """What `grants_of` says of a moment; a role's account as a whole may be what is granted."""
    return any(
        _is_for(grant, principal)
        and action in grant.actions
        and _covers(grant.resource, resource)
        and (grant.key_prefix is None or (prefix or "").startswith(grant.key_prefix))
        and (grant.until is None or grant.until > moment)
        for grant in grants
    )


def _moment_at_which_somebody_had_access(grants: Sequence[Grant], resource: str) -> datetime:
    """`NOW`, or just before the last access to it ended: the end must not be all that keeps others out."""
    ends = [grant.until for grant in grants if grant.resource == resource]
    last = max((end for end in ends if end), default=NOW)
    return NOW if None in ends or last > NOW else last - timedelta(seconds=1)


def _is_for(grant: Grant, principal: str) -> bool:
    if isinstance(grant.principal, AccountRootArn):
        return principal.split(":")[4] == grant.principal.account
    return principal == str(grant.principal)


def _covers(granted: str, resource: str) -> bool:
    return resource.startswith(granted.removesuffix("*")) if granted.endswith("*") else granted == resource


def _of_grant(grants: Sequence[Grant], grant: Grant, principal: str) -> Iterator[Question]:
    """One grant: as it is; then with one circumstance changed at a time."""
    resource, prefix = _concrete(grant.resource), grant.key_prefix
    for action in grant.actions:
        if action == LEFT_OUT:
            continue
        yield _asked("granted, or over", grants, principal, action, resource, prefix)
        for kind, changed in _without_tls(resource, grant):
            asked = _asked(kind, grants, principal, action, resource, prefix)
            context = dict(asked.context) | changed
            yield Question(kind, principal, action, resource, tuple(context.items()), expected=False)
        if grant.until and grant.until > NOW:
            end = grant.until + timedelta(seconds=1)
            yield _asked("after its end", grants, principal, action, resource, prefix, end)
        if _service(resource) == "kms":
            asked = _asked("a key, not through S3", grants, principal, action, resource, prefix)
            context = {name: value for name, value in asked.context if name != "kms:ViaService"}
            yield Question(asked.kind, principal, action, resource, tuple(context.items()), expected=False)
        for neighbour in _neighbours(grant.resource):
            yield _asked("a neighbour's keys", grants, principal, action, neighbour, prefix)
        if prefix is not None:
            for other in (None, "", str(prefix).removesuffix("/"), f"other/{prefix}"):
                yield _asked("another listing", grants, principal, action, resource, other)


def _without_tls(resource: str, grant: Grant) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the platform's own policies refuse weak transport: its buckets and queues."""
    is_ours = grant.role is not Role.MOVER or "deliveries/" in resource or "checkpoints/" in resource
    yield from _weak_transport(resource) if is_ours or _service(resource) == "sqs" else ()


def _weak_transport(resource: str) -> Iterator[tuple[str, dict[str, str]]]:
    if _service(resource) in ("s3", "sqs"):
        yield "without TLS", {"aws:SecureTransport": "false"}
    if _service(resource) == "s3":
        yield "TLS 1.1", {"s3:TlsVersion": "1.1"}


def _asked(
    kind: str,
    grants: Sequence[Grant],
    principal: str,
    action: str,
    resource: str,
    prefix: str | None,
    moment: datetime = NOW,
) -> Question:
    context = dict(TLS) if _service(resource) == "s3" else {"aws:SecureTransport": TLS["aws:SecureTransport"]}
    context |= {"aws:CurrentTime": _iso(moment), "aws:PrincipalArn": principal}
    if prefix is not None and action in ("s3:ListBucket", "s3:ListBucketVersions"):
        context["s3:prefix"] = prefix
    else:
        prefix = None
    if _service(resource) == "kms":
        context["kms:ViaService"] = f"s3.{resource.split(':')[3]}.amazonaws.com"
    expected = is_granted(grants, principal, action, resource, prefix, moment)
    return Question(kind, principal, action, resource, tuple(context.items()), expected)


def alert_key_arn_of(estate: Estate) -> str:
    """The key of the alert topics, under an id of ours: only AWS knows the real one."""
    return f"arn:aws:kms:{estate.platform.region}:{estate.platform.account}:key/alerts"


def _of_the_alert_key(estate: Estate) -> Iterator[Question]:
    """Movers, the keeper and the platform's alarms make data keys of it through SNS; nobody else, nobody otherwise."""
    platform, key = estate.platform, alert_key_arn_of(estate)
    mover, keeper = str(estate.push_datasets[0].mover_role_arn(platform)), str(keeper_role_arn_of(platform.account))
    account, through = str(platform.account), f"sns.{platform.region}.amazonaws.com"
    of_publishers = (
        asked
        for publisher in (mover, keeper)
        for asked in (
            (publisher, account, through, True),
            (publisher, account, f"s3.{platform.region}.amazonaws.com", False),
            (publisher, "999999999999", through, False),
            (publisher.replace(account, "999999999999"), "999999999999", through, False),
        )
    )
    for principal, caller, via, expected in (
        *of_publishers,
        (f"arn:aws:iam::{account}:role/service-role/other-move", account, through, False),
        (f"arn:aws:iam::{account}:role/export_hearings-move", account, through, False),
        (f"arn:aws:iam::{account}:role/{keeper.rpartition('/')[2]}", account, through, False),
    ):
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            context = {"aws:PrincipalArn": principal, "kms:CallerAccount": caller, "kms:ViaService": via}
            yield Question("the alert key", principal, action, key, tuple(context.items()), expected=expected)
        yield Question(
            "the alert key", principal, "kms:ScheduleKeyDeletion", key, tuple(context.items()), expected=False
        )
    for source, named, expected in (
        (account, account, True),
        ("999999999999", account, False),
        (account, "9" * 12, False),
    ):
        alarm = f"arn:aws:cloudwatch:{platform.region}:{named}:alarm:any"
        context = {"aws:SourceArn": alarm, "aws:SourceAccount": source}
        yield service_question("cloudwatch.amazonaws.com", "kms:GenerateDataKey", key, context, expected=expected)


def _of_the_keeper(estate: Estate, grants: Sequence[Grant]) -> Iterator[Question]:
    platform = estate.platform
    topics = {topic for dataset in estate.datasets() for topic in alert_topic_arns_of(platform, dataset)}
    rights = keeper_rights_of(platform)
    yield from questions_of_function("keeper", str(keeper_role_arn_of(platform.account)), grants, rights, topics)


def questions_of_function(
    name: str,
    role: str,
    grants: Sequence[Grant],
    rights: Sequence[FunctionRight],
    topics: Collection[str] = (),
    more: Collection[str] = (),
) -> Iterator[Question]:
    """What a function of the platform may do, and that it may do nothing else with what anybody has a grant for.

    Nor with its own; `topics` it may publish to, with `more` it may do nothing.
    """
    places = {each.resource for each in grants} | {each.resource for each in rights} | {*topics, *more}
    for resource in sorted(places):
        service = _service(resource) if ":" in resource else ""
        if service in ("", "logs", "cloudformation"):
            continue
        concrete = _concrete(resource)
        context = TLS if service == "s3" else {"aws:SecureTransport": TLS["aws:SecureTransport"]}
        context = context | {"aws:PrincipalArn": role}
        for action in _other_actions(resource):
            held = [each for each in rights if action in each.actions and _covers(each.resource, resource)]
            is_right = bool(held) or (resource in topics and action == "sns:Publish")
            listed = [{"s3:prefix": str(each.key_prefix)} for each in held if each.key_prefix is not None]
            for told in listed or [{}]:
                asked = context | told
                yield Question(f"the {name}", role, action, concrete, tuple(asked.items()), expected=is_right)
                for kind, weak in _weak_transport(resource) if is_right else ():
                    yield Question(kind, role, action, concrete, tuple((asked | weak).items()), expected=False)
            for other in ({}, {"s3:prefix": ""}, {"s3:prefix": "other/"}) if listed else ():
                facts = tuple((context | other).items())
                yield Question("another listing", role, action, concrete, facts, expected=False)
        for neighbour in _neighbours(resource) if any(each.resource == resource for each in rights) else ():
            facts = tuple(context.items())
            yield Question("a neighbour's keys", role, "s3:GetObject", neighbour, facts, expected=False)
    for service, expected in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        yield service_question(service, "sts:AssumeRole", role, {}, expected=expected)


def _of_the_administrator(estate: Estate) -> Iterator[Question]:
    """Whoever may do everything in the platform's account still needs TLS for each bucket and queue."""
    platform, administrator = estate.platform, administrator_of(estate)
    shared = (platform.hub_bucket, platform.log_bucket, platform.access_log_bucket)
    buckets = [*shared, *(pull.bucket(platform) for pull in estate.pull_datasets)]
    queues = [
        name
        for push in estate.push_datasets
        for name in (queue_name_of(push.name), dead_letter_queue_name_of(push.name))
    ]
    asked = [("s3:PutObject", f"{bucket.arn}/any/file") for bucket in buckets]
    asked += [("s3:ListBucket", bucket.arn) for bucket in buckets]
    asked += [("sqs:SendMessage", f"arn:aws:sqs:{platform.region}:{platform.account}:{queue}") for queue in queues]
    for action, resource in asked:
        context = TLS if _service(resource) == "s3" else {"aws:SecureTransport": TLS["aws:SecureTransport"]}
        context = context | {"aws:PrincipalArn": administrator}
        for kind, changed in (("with TLS", {}), *_weak_transport(resource)):
            facts = tuple((context | changed).items())
            yield Question(f"administrator, {kind}", administrator, action, resource, facts, expected=not changed)


def _of_services(estate: Estate) -> Iterator[Question]:
    """AWS's own services: S3 sends to a queue, CloudWatch to a topic, for this platform's hub and alarms alone."""
    platform = estate.platform
    place = f"{platform.region}:{platform.account}"
    yield from _of_the_log_service(estate)
    yield from _of_cloudtrail(estate) if platform.audit else ()
    for push in estate.push_datasets:
        queue = f"arn:aws:sqs:{place}:{queue_name_of(push.name)}"
        for bucket, account, expected in (
            (platform.hub_bucket.arn, str(platform.account), True),
            (f"{platform.hub_bucket.arn}-other", str(platform.account), False),
            (platform.hub_bucket.arn, "999999999999", False),
        ):
            context = {"aws:SourceArn": bucket, "aws:SourceAccount": account, "aws:SecureTransport": "true"}
            yield service_question("s3.amazonaws.com", "sqs:SendMessage", queue, context, expected=expected)
        for topic in alert_topic_arns_of(platform, push):
            for account, source, expected in (
                (str(platform.account), str(platform.account), True),
                ("999999999999", str(platform.account), False),
                (str(platform.account), "999999999999", False),
            ):
                alarm = f"arn:aws:cloudwatch:{platform.region}:{account}:alarm:any"
                context = {"aws:SourceArn": alarm, "aws:SourceAccount": source}
                yield service_question("cloudwatch.amazonaws.com", "sns:Publish", topic, context, expected=expected)
            yield service_question("s3.amazonaws.com", "sns:Publish", topic, context, expected=False)
        mover = str(push.mover_role_arn(platform))
        for service, expected in (("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)):
            yield service_question(service, "sts:AssumeRole", mover, {}, expected=expected)


def _of_the_log_service(estate: Estate) -> Iterator[Question]:
    """S3's log service writes logs of this platform's pull buckets to their folders, and nothing else anywhere."""
    platform = estate.platform
    account, bucket, pulls = str(platform.account), platform.access_log_bucket.arn, platform.pull_bucket_prefix
    ours, other = f"arn:aws:s3:::{pulls}lists", "arn:aws:s3:::somebody-elses"
    folder = f"{bucket}/{ACCESS_LOG_PREFIX}{account}/{platform.region}"
    log = f"{folder}/{pulls}lists/2031/03/31/x"
    for resource, source, owner, action, expected in (
        (log, ours, account, "s3:PutObject", True),
        (log, ours, account, "s3:GetObject", False),
        (log, ours, account, "s3:DeleteObject", False),
        (log, other, account, "s3:PutObject", False),
        (log, ours, "999999999999", "s3:PutObject", False),
        (f"{folder}/somebody-elses/2031/03/31/x", ours, account, "s3:PutObject", False),
        (f"{bucket}/other/x", ours, account, "s3:PutObject", False),
        (f"{platform.log_bucket.arn}/x", ours, account, "s3:PutObject", False),
        (f"{platform.hub_bucket.arn}/x", ours, account, "s3:PutObject", False),
    ):
        context = {**TLS, "aws:SourceArn": source, "aws:SourceAccount": owner}
        yield service_question("logging.s3.amazonaws.com", action, resource, context, expected=expected)
        for kind, weak in _weak_transport(resource) if expected else ():
            facts = tuple((context | weak).items())
            yield Question(kind, "logging.s3.amazonaws.com", action, resource, facts, expected=False)
    yield service_question("s3.amazonaws.com", "s3:PutObject", log, dict(TLS), expected=False)


def _of_cloudtrail(estate: Estate) -> Iterator[Question]:
    """CloudTrail writes the records of the platform's own trail to their folder, and asks whose bucket it is."""
    platform, service = estate.platform, "cloudtrail.amazonaws.com"
    account, bucket = str(platform.account), platform.access_log_bucket.arn
    trails = f"arn:aws:cloudtrail:{platform.region}:{account}:trail"
    records = f"{bucket}/{AUDIT_PREFIX}/AWSLogs/{account}/CloudTrail/x.json.gz"
    full = {"s3:x-amz-acl": "bucket-owner-full-control"}
    for resource, action, context, expected in (
        (records, "s3:PutObject", {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}", **full}, True),
        (records, "s3:PutObject", {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}"}, False),
        (records, "s3:PutObject", {"aws:SourceArn": f"{trails}/another", **full}, False),
        (records, "s3:GetObject", {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}", **full}, False),
        (
            f"{bucket}/{AUDIT_PREFIX}/AWSLogs/999999999999/x",
            "s3:PutObject",
            {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}", **full},
            False,
        ),
        (bucket, "s3:GetBucketAcl", {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}"}, True),
        (bucket, "s3:GetBucketAcl", {"aws:SourceArn": f"{trails}/another"}, False),
        (platform.log_bucket.arn, "s3:GetBucketAcl", {"aws:SourceArn": f"{trails}/{AUDIT_TRAIL}"}, False),
    ):
        yield service_question(service, action, resource, {**TLS, **context}, expected=expected)


def service_question(service: str, action: str, resource: str, context: dict[str, str], *, expected: bool) -> Question:
    return Question("AWS's services", service, action, resource, tuple(context.items()), expected)


def evidence_key_arn_of(estate: Estate) -> str:
    """The key that signs the log, under an id of ours."""
    return f"arn:aws:kms:{estate.platform.region}:{estate.platform.account}:key/evidence"


def somebody_of(root: AccountRootArn) -> str:
    """Some role of an account that is granted something as a whole."""
    return f"arn:aws:iam::{root.account}:role/anybody-at-all"


def principals_of(grant: Grant) -> tuple[str, ...]:
    """Who acts under a grant; of a whole account some role of it."""
    match grant.principal:
        case AccountRootArn() as root:
            return (somebody_of(root),)
        case RoleArn() | UserArn() as principal:
            return (str(principal),)


def strangers_of(grants: Sequence[Grant]) -> set[str]:
    """A role that nobody has named, in each account that appears and in one that does not."""
    accounts = {str(grant.principal.account) for grant in grants} | {"999999999999"}
    whole = {str(grant.principal.account) for grant in grants if isinstance(grant.principal, AccountRootArn)}
    return {f"arn:aws:iam::{account}:role/stranger" for account in accounts - whole}


def _other_actions(resource: str) -> tuple[str, ...]:
    match _service(resource):
        case "s3":
            return OTHER_OBJECT_ACTIONS if "/" in resource else OTHER_BUCKET_ACTIONS
        case "sqs":
            return OTHER_QUEUE_ACTIONS
        case "kms":
            return ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ScheduleKeyDeletion")
        case _:
            return ("sns:Publish", "sns:SetTopicAttributes", "sns:Subscribe")


def _service(arn: str) -> str:
    return arn.split(":")[2]


def _concrete(resource: str) -> str:
    """A resource that the pattern covers."""
    if resource.endswith("/*"):
        return f"{resource.removesuffix('*')}2026/file.csv"
    return resource.replace(":*", ":log-stream:any")


def _neighbours(resource: str) -> tuple[str, ...]:
    """Keys beside those that a pattern covers: alike in name, with an empty segment before it, without its slash."""
    if _service(resource) != "s3" or not resource.endswith("/*") or resource.count("/") < 2:
        return ()
    bucket, _, prefix = resource.removesuffix("/*").partition("/")
    return (f"{bucket}/{prefix}_private/x", f"{bucket}//{prefix}/x", f"{bucket}/{prefix}", f"{bucket}/x/{prefix}/x")


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
