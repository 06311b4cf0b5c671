"""The policies of the evidence: nobody but the notary writes into its bucket, or signs with its key.

In: the platform. Out: policy documents as plain dicts, deny statements first. Effects: none. What the notary may do
besides is in its rights (`grants`).
"""

from data_exports.access.statements import Policy, deny_weak_transport, policy_of
from data_exports.estate.models import Platform
from data_exports.names import notary_role_arn_of


def evidence_bucket_policy(platform: Platform, *, require_tls: bool) -> Policy:
    """The policy of the evidence bucket: nobody but the notary writes, whatever somebody's role gives.

    The notary goes on from what it finds there. Whoever would write there has to change this policy first, which
    CloudTrail records; it records what is written only where somebody pays for that. Replication from another bucket
    is no `s3:PutObject`: https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    bucket = platform.evidence_bucket
    return policy_of(
        *deny_weak_transport("s3", [bucket.arn, f"{bucket.arn}/*"], require_tls=require_tls),
        {
            "Sid": "NotaryAloneWrites",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject"],
            "Resource": f"{bucket.arn}/*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": str(notary_role_arn_of(platform.account))}},
        },
    )


EVIDENCE_KEY_ADMINISTRATION = (
    *("kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey"),
    *("kms:EnableKey", "kms:GetKeyPolicy", "kms:GetPublicKey", "kms:ListAliases", "kms:ListKeyPolicies"),
    *("kms:ListResourceTags", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"),
    *("kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:Verify"),
)
"""All but signing: a policy of somebody's role does not suffice for that, somebody has to change the key's, which
CloudTrail records."""


def evidence_key_policy(platform: Platform) -> Policy:
    """The policy of the key that signs the log: the notary signs, the account's own policies do the rest.

    The notary is named by a condition, because a key does not take a `Principal` that is not there yet.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    return policy_of(
        {
            "Sid": "AccountAdministers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{platform.account}:root"},
            "Action": list(EVIDENCE_KEY_ADMINISTRATION),
            "Resource": "*",
        },
        {
            "Sid": "NotarySigns",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:GetPublicKey", "kms:Sign"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": str(notary_role_arn_of(platform.account))}},
        },
    )
