"""AWS's limits that this product must respect, each with its unit and source (read November 2026)."""

NOTIFICATION_RULES_PER_BUCKET = 100
"""Rules. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html"""

INLINE_POLICY_CHARACTERS_PER_ROLE = 10_240
"""Characters without white space, all inline policies of a role together.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

BUCKET_POLICY_BYTES = 20_480
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html"""

TEMPLATE_BODY_BYTES = 51_200
"""A template passed in the request; a larger one goes through a bucket, up to `TEMPLATE_OBJECT_BYTES`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

TEMPLATE_OBJECT_BYTES = 1_000_000
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

ROLE_NAME_CHARACTERS = 64
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

AUDIENCES_PER_PROVIDER = 100
"""Client ids of one OIDC provider.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html"""

IAM_PATH_CHARACTERS = 512
"""The path of a role or user with both its slashes.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""

BUCKET_NAME_CHARACTERS = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

DECLARATION_BYTES = 262_144
"""Ours: a declaration file above this is refused before it is parsed; the largest in use is under 2 kB."""

REVIEW_BYTES = 16 * 1024 * 1024
"""Ours: the file of an access review; one of 10,000 accesses has about 4 MB."""

OBJECT_KEY_BYTES = 1024
"""In UTF-8. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
