"""Where SFTP servers of a local AWS listen: told by a file in its folder, and by none outside it."""

from pathlib import Path

import pytest

from data_exports.errors import LocalAwsError
from data_exports.local.sftp_ports import sftp_port_of, write_sftp_port


def test_a_port_is_found_until_it_is_taken_away(tmp_path: Path) -> None:
    state = tmp_path / "state"
    write_sftp_port(state, "s-1", 4022)
    write_sftp_port(state, "s-2", 4023)
    write_sftp_port(state, "s-1", 4024)
    assert (sftp_port_of(tmp_path, "s-1"), sftp_port_of(tmp_path, "s-2")) == (4024, 4023)
    write_sftp_port(state, "s-1", None)
    write_sftp_port(state, "s-1", None)
    with pytest.raises(LocalAwsError, match="no SFTP server s-1 listens"):
        sftp_port_of(tmp_path, "s-1")
    assert [path.name for path in (state / "sftp").iterdir()] == ["s-2"]


@pytest.mark.parametrize("server_id", ["s-1", "../../../secret", "..", "/etc/passwd", ""])
def test_what_is_no_server_has_no_port(tmp_path: Path, server_id: str) -> None:
    folder = tmp_path / "aws"
    (tmp_path / "secret").write_text("1")
    with pytest.raises(LocalAwsError, match="listens"):
        sftp_port_of(folder, server_id)
    write_sftp_port(folder / "state", "s-2", 1)
    with pytest.raises(LocalAwsError, match="listens"):
        sftp_port_of(folder, server_id)
