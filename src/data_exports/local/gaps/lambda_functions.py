"""Lambda functions: what a function finds where it runs, and who may reach it."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc, sts

from data_exports.errors import LocalAwsError
from data_exports.local.cloud_addresses import variables_in
from data_exports.local.gaps.cloudwatch import take_embedded_metrics
from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import role_may

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""What AWS's Python runtimes bring along, as far as the mover may use it.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html (runtime dependencies)"""

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""Variables of the server itself that a function may see; all others stay with the server."""

_LAMBDA_PREFIXES = ("AWS_", "_LAMBDA", "LAMBDA_", "_X_AMZN", "_MINISTACK")


_making_the_folder = threading.Lock()


def runtime_folder() -> Path:
    """A folder that holds the runtime's packages, as links into this environment, and nothing else.

    Made whole by the first function that starts, however many start at once: one that found it half made would fail.
    """
    folder = Path(tempfile.gettempdir()) / "lambda-runtime"
    with _making_the_folder:
        if not folder.exists():
            unfinished = Path(tempfile.mkdtemp(prefix="lambda-runtime-"))
            for name in RUNTIME_PACKAGES:
                spec = importlib.util.find_spec(name)
                if spec is None or spec.origin is None:
                    raise LocalAwsError(f"the package {name}, part of every Lambda runtime, is not installed here")
                source = Path(spec.origin)
                source = source.parent if source.name == "__init__.py" else source
                (unfinished / source.name).symlink_to(source)
            unfinished.rename(folder)
    return folder


def _start_isolated(words: Sequence[str], *, env: Mapping[str, str], **options: Any) -> "subprocess.Popen[str]":
    """Start a function's process; a Python one sees its zip, the runtime's packages and its own variables only."""
    if words[0] != sys.executable:
        return subprocess.Popen(words, env=env, **options)  # noqa: S603 - the emulator's own words
    own = {k: v for k, v in env.items() if k in _PASSED_ON or k.startswith(_LAMBDA_PREFIXES)}
    own["PYTHONPATH"] = str(runtime_folder())
    own |= variables_in(Path(os.environ["STATE_DIR"]))  # where other clouds are, as AWS_ENDPOINT_URL says where AWS is
    own["HOME"] = tempfile.gettempdir()  # no profile of this computer's user is in reach
    # -S: no site-packages; -s: none of the user's; what is left is the standard library and PYTHONPATH.
    return subprocess.Popen([words[0], "-S", "-s", *words[1:]], env=own, **options)  # noqa: S603


class _Subprocess(types.ModuleType):
    """The `subprocess` module as the emulator's function runner sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


_isolated = _Subprocess("subprocess")
_isolated.Popen = _start_isolated  # type: ignore[attr-defined]  # a stand-in for the one class that is used


_COUNTS_DEPTH = "    _ms_install_invoke_depth()\n"
"""The worker imports botocore, half of the time that a mover takes to start, to tell how deep functions that call each
other are; ours call none. A runtime imports it for nobody."""


@mends(lambda_runtime, "_detect_runtime_binary", "runtime")
def functions_see_their_zip_and_the_runtimes_packages(
    original: Callable[..., tuple[str, str]], runtime: str
) -> tuple[str, str]:
    """A function finds its own zip and what the runtime brings, never what else this computer has installed.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
    """
    lambda_runtime.subprocess = _isolated
    binary, worker = original(runtime)
    return binary, worker.replace(_COUNTS_DEPTH, "")


_registering = threading.RLock()


@mends(sts, "register_session", "access_key session")
def sessions_begin_beside_each_other(original: Callable[..., None], *arguments: Any) -> None:
    """Functions that start at once each get a session of their role: what ended is taken away by one at a time.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    with _registering:
        original(*arguments)


_update = threading.local()
_leaving: set[lambda_runtime.Worker] = set()
"""Processes of functions that were updated while these ran."""


def _note_updates(name: str) -> None:
    @mends(lambda_svc, name, "name data")
    def an_update_ends_no_invocation(original: Callable[..., Any], *arguments: Any) -> Any:
        """What runs when a function is updated goes on to its end, with the code and the settings that it began with.

        https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html#functions-states-updating
        """
        _update.lets_run = True
        try:
            return original(*arguments)
        finally:
            _update.lets_run = False


for _name in ("_update_code", "_update_config"):
    _note_updates(_name)


@mends(lambda_svc, "invalidate_worker", "func_name qualifier account region")
def an_update_ends_idle_processes_only(
    original: Callable[..., None], func_name: str, qualifier: str | None = None, **place: Any
) -> None:
    """New invocations get new processes; see `an_update_ends_no_invocation`."""
    if getattr(_update, "lets_run", False):
        with lambda_runtime._lock:
            found = lambda_runtime._workers.pop(f"{get_account_id()}:{get_region()}:{func_name}:{qualifier}", [])
            running = {worker for worker in found if worker.in_use}
            _leaving.update(running)
        lambda_runtime.kill_workers([worker for worker in found if worker not in running])
    else:
        original(func_name, qualifier=qualifier, **place)


@mends(lambda_svc, "release_worker", "worker")
def a_process_ends_with_its_last_invocation(
    original: Callable[..., None], worker: lambda_runtime.Worker | None
) -> None:
    """A process whose function was updated takes no other invocation; see `an_update_ends_no_invocation`."""
    original(worker)
    if worker in _leaving:
        _leaving.discard(worker)
        lambda_runtime.kill_workers([worker])


@mends(lambda_svc, "_emit_lambda_logs", "func request_id log_text error duration_ms log_source")
def a_log_is_written_with_the_rights_of_the_functions_role(
    original: Callable[..., None], func: Mapping[str, Any], *arguments: Any, **options: Any
) -> None:
    """Lambda writes a function's log with its role, and makes a missing log group only if the role may.

    So a mover that ends after its stack is gone does not leave a log group behind.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html#monitoring-cloudwatchlogs-prereqs
    """
    config = func.get("config") or func
    group = f"/aws/lambda/{config['FunctionName']}"
    arn = str(cloudwatch_logs._make_group_arn(group))
    needed = ["logs:CreateLogStream", "logs:PutLogEvents"]
    needed += [] if group in cloudwatch_logs._log_groups else ["logs:CreateLogGroup"]
    if all(role_may(config["Role"], action, f"{arn.removesuffix(':*')}:*") for action in needed):
        original(func, *arguments, **options)
        take_embedded_metrics(str(arguments[1] if len(arguments) > 1 else options.get("log_text", "")))


_CODE = "/2015-03-31/functions/{}/code-of-the-function"
_CODE_PATH = re.compile(_CODE.format("(?P<name>[A-Za-z0-9_-]+)"))


def code_path_of(function: str) -> str:
    """Where the code of a function of the caller's account lies; AWS has its own bucket for it."""
    return _CODE.format(function)


@mends(lambda_svc, "handle_request", "method path headers body query_params")
async def a_functions_code_lies_where_lambda_says(
    original: Callable[..., Any], method: str, path: str, *arguments: Any
) -> Any:
    """The zip of a function, for whom Lambda has given the address.

    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
    """
    named = _CODE_PATH.fullmatch(path)
    if named is None or method != "GET":
        return await original(method, path, *arguments)
    return lambda_svc.serve_function_code(named["name"], get_account_id(), get_region())


_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[a-z0-9-]+:(?P<account>\d{12}):function:[A-Za-z0-9_-]+")


@mends(lambda_svc, "handle_request", "method path headers body query_params")
async def a_function_of_another_account_is_out_of_reach(
    original: Callable[..., Any], method: str, path: str, *arguments: Any
) -> Any:
    """A function of another account answers AccessDenied; no function here has a policy that lets others in.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
    """
    named = _FUNCTION_ARN.search(unquote(path))
    if named is None or named["account"] == get_account_id():
        return await original(method, path, *arguments)
    caller = iam_evaluator.caller_arn()
    return error_response_json(
        "AccessDeniedException",
        f"User: {caller} is not authorized to access {named[0]} because no resource-based policy allows it",
        403,
    )
