"""``exports probe``: prove that the handover works."""

from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.completion import complete_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, dataset_of, open_estate
from data_exports.cli.output import screen_width, write_answer
from data_exports.errors import UsageError

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The dataset.", show_default=False, autocompletion=complete_datasets)
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Try as the reader outside AWS whose token this file holds. Needs no credentials of AWS.",
        show_default=False,
    ),
]


@reaches_aws
def probe(
    name: NameArgument, *, estate: EstateOption = None, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """Prove on the real thing that the other side has put its half in place.

    Push: the dataset's mover tries each call of a delivery with its own role. It leaves at most one small object,
    NAME/.exports-probe, and replaces nothing. Pull: reads back what is deployed for outsiders; run with the role of an
    outsider or user, it tries that role's rights, and with the token of a reader outside AWS that reader's: it gets the
    role, lists, reads, and sees that it may not write where it must not. The token is never shown. Exit code 1 when
    something is lacking, or could not be looked at.

    Examples:
      exports probe court_hearings
      exports probe court_hearings --json
      exports probe court_lists --token-file token.jwt
    """
    declared = open_estate(estate)
    dataset = dataset_of(declared, name)
    from data_exports.estate.models import PushDataset
    from data_exports.operate.probe.pull import probe_as_reader, probe_pull
    from data_exports.operate.probe.push import probe_push
    from data_exports.operate.probe.web_token import read_web_token
    from data_exports.views.probe import render_probed

    token = read_web_token(token_file) if token_file else None
    if token and isinstance(dataset, PushDataset):
        raise UsageError(f"{name} is a push dataset, which nobody reads", next_step="leave --token-file out")
    aws = connect(declared.platform.region)
    if isinstance(dataset, PushDataset):
        probed = probe_push(declared, dataset, aws)
    elif token:
        probed = probe_as_reader(declared, dataset, aws, token)
    else:
        probed = probe_pull(declared, dataset, aws)
    write_answer("probe", probed, render_probed(probed, width=screen_width()), as_json=as_json)
    if not probed.is_good:
        raise typer.Exit(1)
