"""``exports evidence``: what whoever verifies the log needs."""

from typing import TYPE_CHECKING

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, open_estate
from data_exports.cli.output import write_answer

if TYPE_CHECKING:
    from pathlib import Path


def register(app: typer.Typer) -> None:
    """Add ``exports evidence`` and its commands."""
    evidence = typer.Typer(help="Keep what proves who signed the log.", no_args_is_help=True)
    evidence.command("key")(key)
    app.add_typer(evidence, name="evidence")


@reaches_aws
def key(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Write the key that signs the log into evidence-keys.txt, beside exports.yaml.

    Commit it: `exports verify` believes these keys alone, and so does whoever takes them from the repository. Keys that
    are there stay, because they have signed what is older. The file is in the form that other tools for signed notes
    take, too (https://c2sp.org/signed-note).

    Examples:
      exports evidence key
    """
    declared, folder = open_estate(estate), estate_folder(estate)
    from data_exports.deploy.evidence_keys import KEYS_FILE, read_deployed_key, read_keys
    from data_exports.views.evidence import EvidenceKeyData, render_evidence_key

    path: Path = folder / KEYS_FILE
    there = read_keys(folder) if path.exists() else ()
    deployed = read_deployed_key(declared.platform, connect(declared.platform.region))
    if deployed not in there:
        from data_exports.estate.atomic_files import write_file

        write_file(path, "".join(f"{each}\n" for each in (*there, deployed)).encode())
    data = EvidenceKeyData(path, str(deployed), is_new=deployed not in there, keys=len({*there, deployed}))
    write_answer("evidence-key", data, render_evidence_key(data), as_json=as_json)
