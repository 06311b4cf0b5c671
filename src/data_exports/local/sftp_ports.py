"""Where the SFTP servers of a local AWS listen: on 127.0.0.1, each on a free port of its own.

In: a folder of a local AWS and a server's id, ``s-…``. Out: a port. Effects: the process that is the local AWS leaves a
small file for each server that listens, and takes it away with the server; AWS's answers have no place for a port.
"""

from pathlib import Path

from data_exports.errors import LocalAwsError


def sftp_port_of(folder: Path, server_id: str) -> int:
    """The port of 127.0.0.1 where this server of the local AWS in a folder listens.

    Raises `LocalAwsError` when it does not.
    """
    try:
        return int(_port_file(folder / "state", server_id).read_text(encoding="ascii"))
    except OSError:
        raise LocalAwsError(
            f"no SFTP server {server_id} listens", where=str(folder), next_step="start it, or make it first"
        ) from None


def write_sftp_port(state: Path, server_id: str, port: int | None) -> None:
    """Leave word in the local AWS's folder for its state of where a server listens, or that it does not (None)."""
    place = _port_file(state, server_id)
    if port is None:
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = place.with_suffix(".new")
    new.write_text(str(port), encoding="ascii")
    new.replace(place)


def _port_file(state: Path, server_id: str) -> Path:
    return state / "sftp" / Path(server_id).name
