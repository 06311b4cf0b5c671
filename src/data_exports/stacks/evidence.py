"""The stack of the evidence, where the platform wants it: the log's bucket, its key, the notary, and an alarm.

In: the platform. Out: one `Stack`. Effects: none. It comes after the foundation, whose bucket holds the notary's code.
No other stack is another for it: an estate without evidence has the same templates, to the byte.
"""

from troposphere.awslambda import Code, Environment, Function
from troposphere.cloudwatch import Alarm, MetricDimension, WarmUpConfiguration
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role
from troposphere.kms import Alias, Key
from troposphere.logs import LogGroup
from troposphere.s3 import (
    DefaultRetention,
    LifecycleConfiguration,
    ObjectLockConfiguration,
    ObjectLockRule,
    VersioningConfiguration,
)

from data_exports.access.evidence_policies import evidence_bucket_policy, evidence_key_policy
from data_exports.access.grants import NOTARY_LOG_GROUP, notary_rights_of, topic_arn_of
from data_exports.access.policies import (
    function_trust_policy,
    policy_of_rights,
)
from data_exports.contract.metrics import NAMESPACE
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.estate.models import Platform
from data_exports.evidence.entries import origin_of
from data_exports.evidence.function import BEHIND, BY_LOG, NOTARISE, WITNESS_UNTOLD
from data_exports.names import ALERT_TOPIC, EVIDENCE_KEY_ALIAS, EVIDENCE_STACK, NOTARY, SERVICE_ROLE_PATH
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.code import notary_code
from data_exports.stacks.mover_function import ARCHITECTURE, LOG_RETENTION_DAYS, RUNTIME
from data_exports.stacks.schedule import add_schedule
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, Stack, Wave, add_dependencies, new_template, stack_of

NOTARY_TIMEOUT_SECONDS = 900
NOTARY_MEMORY_MIB = 1024
BEHIND_HOURS = 3
WARM_UP_MINUTES_OF_LOG = 240
"""As the keeper's: it first runs an hour after its rule is made."""


def evidence_stacks(platform: Platform, *, require_tls: bool) -> tuple[Stack, ...]:
    """The stack, if the platform wants evidence."""
    return (_evidence_stack(platform, platform.evidence, require_tls=require_tls),) if platform.evidence else ()


def _evidence_stack(platform: Platform, lock: EvidenceLock, *, require_tls: bool) -> Stack:
    template = new_template("Data exports: evidence of what was delivered and who was let in", {})
    add_private_bucket(
        template,
        title="EvidenceBucket",
        name=platform.evidence_bucket,
        policy=evidence_bucket_policy(platform, require_tls=require_tls),
        VersioningConfiguration=VersioningConfiguration(Status="Enabled"),
        ObjectLockEnabled=True,
        ObjectLockConfiguration=_lock(lock),
        LifecycleConfiguration=LifecycleConfiguration(Rules=[abort_abandoned_uploads()]),
    )
    key = template.add_resource(
        Key(
            "EvidenceKey",
            Description="Signs the log of data exports",
            KeySpec="ECC_NIST_EDWARDS25519",
            KeyUsage="SIGN_VERIFY",
            KeyPolicy=evidence_key_policy(platform),
        )
    )
    template.add_resource(Alias("EvidenceKeyAlias", AliasName=EVIDENCE_KEY_ALIAS, TargetKeyId=key.ref()))
    log_group = template.add_resource(
        LogGroup("NotaryLog", LogGroupName=NOTARY_LOG_GROUP, RetentionInDays=LOG_RETENTION_DAYS)
    )
    role = template.add_resource(
        Role(
            "NotaryRole",
            RoleName=str(NOTARY),
            Path=SERVICE_ROLE_PATH,
            AssumeRolePolicyDocument=function_trust_policy(),
            Policies=[
                InlinePolicy(PolicyName="notarise", PolicyDocument=policy_of_rights(notary_rights_of(platform))),
            ],
        )
    )
    function = template.add_resource(
        Function(
            "Notary",
            FunctionName=str(NOTARY),
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler="data_exports.notary.handler.on_event",
            Role=role.get_att("Arn"),
            Timeout=NOTARY_TIMEOUT_SECONDS,
            MemorySize=NOTARY_MEMORY_MIB,
            Code=Code(S3Bucket=str(platform.log_bucket), S3Key=notary_code().key),
            Environment=Environment(Variables=_settings(platform, lock) | {"KEY": key.ref()}),
        )
    )
    add_dependencies(function, log_group)
    add_schedule(
        template,
        platform,
        function,
        titles=("NotaryHour", "NotaryPermission"),
        name=str(NOTARY),
        description="Log what was delivered and who was let in",
        target_id="notary",
        event=f'{{"task": "{NOTARISE}"}}',
    )
    template.add_resource(_alarm(platform))
    if lock.witness:
        template.add_resource(_witness_alarm(platform))
    return stack_of(
        template, name=EVIDENCE_STACK, wave=Wave.DATASETS, platform=platform, buckets=(platform.evidence_bucket,)
    )


def _lock(lock: EvidenceLock) -> ObjectLockConfiguration:
    """How long nobody deletes what is written.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-objectlockconfiguration.html
    """
    kept = DefaultRetention(Mode=lock.mode.upper(), Days=lock.lock_days)
    return ObjectLockConfiguration(ObjectLockEnabled="Enabled", Rule=ObjectLockRule(DefaultRetention=kept))


def _settings(platform: Platform, lock: EvidenceLock) -> dict[str, str]:
    return {
        "ACCOUNT": str(platform.account),
        "EVIDENCE_BUCKET": str(platform.evidence_bucket),
        "HUB_BUCKET": str(platform.hub_bucket),
        "DIGEST_TAG": DIGEST_TAG,
        "HUB_TAG": HUB_TAG,
        "LOG": origin_of(platform.evidence_bucket, platform.region),
        "LOG_BUCKET": str(platform.log_bucket),
        **({"WITNESS": lock.witness} if lock.witness else {}),
        **({"WITNESS_ACCOUNT": str(lock.witness_account)} if lock.witness and lock.witness_account else {}),
    }


def _alarm(platform: Platform) -> Alarm:
    """Tell when the log has fallen behind, whatever the reason: it fails, is not called, or cannot keep up.

    A function that does not come to its end prints no figure, so what is missing counts as behind.
    """
    said = (
        f"The log of what was delivered has been behind for {BEHIND_HOURS} hours or more: the notary fails, does not "
        f"run, or cannot keep up. Next: read the log group {NOTARY_LOG_GROUP}; exports verify tells what is not logged"
    )
    return Alarm(
        "EvidenceBehindAlarm",
        AlarmName=f"{EVIDENCE_STACK}-EvidenceBehindAlarm",
        AlarmDescription=said,
        Namespace=NAMESPACE,
        MetricName=BEHIND,
        Dimensions=[MetricDimension(Name=BY_LOG, Value=str(platform.evidence_bucket))],
        Statistic="Minimum",
        Period=3600,
        EvaluationPeriods=BEHIND_HOURS,
        Threshold=BEHIND_HOURS * 3600,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="breaching",
        WarmUpConfiguration=WarmUpConfiguration(WarmUpPeriodDurationInMinutes=WARM_UP_MINUTES_OF_LOG),
        AlarmActions=[topic_arn_of(platform, ALERT_TOPIC)],
    )


def _witness_alarm(platform: Platform) -> Alarm:
    """Tell when the witness has not taken a head for a day; the log goes on without it."""
    said = (
        "The witness of the evidence has taken no head for a day: split views and a log made anew would show later. "
        f"Next: read the log group {NOTARY_LOG_GROUP}; the owner of the bucket has the letter: exports evidence witness"
    )
    return Alarm(
        "EvidenceWitnessAlarm",
        AlarmName=f"{EVIDENCE_STACK}-EvidenceWitnessAlarm",
        AlarmDescription=said,
        Namespace=NAMESPACE,
        MetricName=WITNESS_UNTOLD,
        Dimensions=[MetricDimension(Name=BY_LOG, Value=str(platform.evidence_bucket))],
        Statistic="Minimum",
        Period=3600,
        EvaluationPeriods=24,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
        AlarmActions=[topic_arn_of(platform, ALERT_TOPIC)],
    )
