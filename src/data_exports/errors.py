"""What stops us, as one tree: where it happened, what happened, what to do next.

::

    ExportsError                 exit code 1
    ├── UsageError               2  the call itself: no estate here, an unknown dataset, a bad option value
    ├── DeclarationError         1  the declarations hold errors; lists them
    ├── RefusedError             1  we will not do this (and say what would have to change)
    ├── AwsError                 3  AWS or the network said no; carries AWS's code and request id
    ├── LocalAwsError            3  the local AWS did not start, died, or is not there
    └── PartlyDoneError          4  some of it is done; carries what is not

A mistake in a declaration is not an exception: it is a `Finding` (`data_exports.estate.findings`).
Exit codes: see `data_exports.cli.app`.
"""


class ExportsError(Exception):
    """Something stopped us; `str()` is the whole message for people."""

    exit_code = 1
    kind = "failed"
    """What programs tell errors apart by, in the JSON of an error."""

    def __init__(self, what: str, *, where: str = "", next_step: str = "", request_id: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step
        self.request_id = request_id

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.next_step:
            lines.append(f"  next: {self.next_step}")
        if self.request_id:
            lines.append(f"  AWS request id: {self.request_id}")
        return "\n".join(lines)


class UsageError(ExportsError):
    """The call cannot be understood or answered as it stands."""

    exit_code = 2
    kind = "usage"


class DeclarationError(ExportsError):
    """The declarations hold errors, so nothing that needs an estate can go on; see `exports check`."""

    kind = "declarations"


class RefusedError(ExportsError):
    """We understood, and will not do it."""

    kind = "refused"


class AwsError(ExportsError):
    """AWS, or the way to it, said no.

    `code` is AWS's own error code (``AccessDenied``), or ``""`` when no answer came.
    """

    exit_code = 3
    kind = "aws"

    def __init__(
        self, what: str, *, code: str = "", where: str = "", next_step: str = "", request_id: str = ""
    ) -> None:
        super().__init__(what, where=where, next_step=next_step, request_id=request_id)
        self.code = code


class LocalAwsError(ExportsError):
    """The local AWS did not start, ended unasked, or is not running."""

    exit_code = 3
    kind = "local_aws"


class PartlyDoneError(ExportsError):
    """Some of it is done; the message lists what is not, and why."""

    exit_code = 4
    kind = "partly_done"
