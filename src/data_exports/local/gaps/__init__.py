"""Where the emulator differs from AWS in things this product relies on, and the least that mends each.

One module for each service; each function is named after the AWS behaviour it restores and carries the page that says
so. `mend_all` applies every mend, once, before the emulator serves. `tests/emulator/test_gap_*.py` state the behaviour.

Not mended, so never to be tested here: CloudFormation acts with every right, `iam:PassRole` is not asked for, a
function's runtime version and architecture are the laptop's, CloudTrail records nothing, KMS needs no key id and S3
asks only for keys that exist, lifecycle rules expire nothing, the roles of single sign-on can be changed,
`RedriveAllowPolicy` refuses nobody, alarms do not wait for their period, the wire is plain http
(`aws:SecureTransport` is false), a Transfer Family server speaks whatever its security policy says, and session tags in
tokens are nobody's.
"""


def mend_all() -> None:
    """Apply every mend; raises `LocalAwsError` when the installed emulator is not the one they are written for."""
    from data_exports.local.gaps import patching

    patching.check_emulator_version()
    from data_exports.local.gaps import (  # noqa: F401 - importing a module notes its mends
        cloudformation,
        cloudformation_drift,
        cloudformation_stacks,
        cloudformation_transfer,
        cloudwatch,
        iam,
        lambda_functions,
        lambda_queues,
        oidc_providers,
        outbound_tokens,
        s3_access,
        s3_access_logs,
        s3_checksums,
        s3_deletes,
        s3_encryption,
        s3_errors,
        s3_keys,
        s3_notifications,
        s3_objects,
        s3_versions,
        sqs,
        sts,
        transfer,
    )

    patching.apply_noted()
