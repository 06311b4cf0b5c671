"""What must hold of an estate beyond single fields: drafts → findings; pure.

Each rule is a generator over the whole estate and knows nothing of the others; a value that could not be read is
``None`` in the draft, and a rule that needs it stays silent.
"""

from collections.abc import Iterator
from datetime import date

from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding
from data_exports.estate.rules import buckets, destinations, names, paperwork, people, platform, promises, sftp

ESTATE_RULES = (
    platform.check_user_roles_are_narrow,
    platform.check_account_names,
    platform.check_tags,
    platform.check_alerts,
    platform.check_contact,
    platform.check_owners_addresses,
    platform.check_log_bucket_name,
    names.check_names_are_unique,
    names.check_slugs_are_unique,
    names.check_number_of_push_datasets,
    destinations.check_one_destination,
    destinations.check_nothing_of_another_kind,
    destinations.check_parts_fit,
    destinations.check_identities_are_of_one_dataset,
    buckets.check_targets_are_outside,
    buckets.check_witness_is_outside,
    buckets.check_target_accounts,
    buckets.check_pull_buckets,
    people.check_users_are_allowed,
    people.check_users_can_be_granted_to,
    people.check_nobody_is_listed_twice,
    people.check_readers_have_roles_of_their_own,
    people.check_outsiders,
    people.check_number_of_audiences,
    promises.check_exceptions_have_a_promise,
    sftp.check_platform_has_sftp,
    sftp.check_sftp_names,
    sftp.check_ssh_keys,
)


def check_estate(draft: EstateDraft, today: date) -> Iterator[Finding]:
    """Every finding of every rule; `today` is in UTC."""
    for rule in ESTATE_RULES:
        yield from rule(draft)
    yield from paperwork.check_paperwork(draft)
    yield from paperwork.check_ends(draft, today)
    yield from promises.check_times_exist(draft, today)
