"""Who used a pull dataset's bucket, as the declarations know them; what they call their sessions proves nothing."""

import pytest

from data_exports.operate.who.requesters import requester_of
from data_exports.readers.kinds import OutsideReader
from tests.estates import AZURE_READER, GOOGLE_READER, PLATFORM, SFTP_READER, pull

PULL = pull("court_lists", identities=(GOOGLE_READER,), sftp_readers=(SFTP_READER,))


def told(reader: OutsideReader, session: str, *, account: str = PLATFORM.account) -> str:
    role = PULL.role_arn_of(reader, PLATFORM).name
    return requester_of(f"arn:aws:sts::{account}:assumed-role/{role}/{session}").told(PLATFORM, PULL)


def test_a_reader_with_a_token_is_who_was_declared_whatever_the_session_is_called() -> None:
    assert told(GOOGLE_READER, "alpha_user_ana") == f'{GOOGLE_READER.label}, as the session "alpha_user_ana"'


def test_a_reader_by_sftp_is_known_by_the_declared_name() -> None:
    assert told(SFTP_READER, "meridian.sftp@s-0123") == "meridian by SFTP"


def test_a_role_of_a_reader_that_is_not_declared_is_said_as_such() -> None:
    role = PULL.role_arn_of(AZURE_READER, PLATFORM).name
    assert told(AZURE_READER, "x") == f"{role} (the role of a reader outside AWS that is not declared)"


def test_the_same_role_of_another_account_is_nobody_of_ours() -> None:
    role = PULL.role_arn_of(GOOGLE_READER, PLATFORM).name
    assert told(GOOGLE_READER, "x", account="754256621582") == f'{role} of "Cloud Platform" (754256621582)'


@pytest.mark.parametrize("name", ["export_court_lists-move", "export_-pull-0a1b2c3d", "x_tables-pull-0a1b2c3d"])
def test_other_roles_are_no_readers(name: str) -> None:
    assert requester_of(f"arn:aws:sts::{PLATFORM.account}:assumed-role/{name}/x").told(PLATFORM, PULL) == name
