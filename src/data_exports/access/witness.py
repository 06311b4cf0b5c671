"""What the owner of the witness's bucket puts into its policy.

In: the platform. Out: a policy document. Effects: none.
"""

from data_exports.access.grants import witness_arn_of
from data_exports.access.statements import Policy, policy_of
from data_exports.estate.models import Platform
from data_exports.names import notary_role_arn_of


def witness_policy(platform: Platform) -> Policy:
    """What the owner of the witness's bucket puts into its policy: the notary adds heads, and replaces none.

    The role is named by a condition, so that its removal does not make the policy invalid.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    return policy_of(
        {
            "Sid": "NotaryAddsHeads",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{platform.account}:root"},
            "Action": "s3:PutObject",
            "Resource": witness_arn_of(platform),
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": str(notary_role_arn_of(platform.account))},
                "Null": {"s3:if-none-match": "false"},
            },
        }
    )
