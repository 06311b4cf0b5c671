"""The frame of the ``exports`` command: finds the commands, runs one, turns what stopped it into an exit code.

To add a command, add one file here, named after it, with a function of the same name (or, for a command with commands
of its own or with options from a table, a function `register`, which is given the `typer.Typer`)::

    def status(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
        from data_exports.operate.status import status_of  # boto3, troposphere, rich: in the function only

        declared = open_estate(estate)
        ...

and give it its place in `SECTIONS`. The docstring is the help; it ends with a paragraph ``Example:``, whose lines stay
as they are: see `check`. Options shared by commands are in `options`, printing in `output`. A command returns, or
raises what is in `data_exports.errors`; to end with findings but no message of its own it raises ``typer.Exit(1)``.

Exit codes:

======  ==================================================================
0       done
1       findings, drift or a refusal
2       the call itself is wrong
3       AWS or the network said no
4       partly done, the rest is listed
70      a defect of this program (``--debug`` shows the traceback)
130     interrupted
141     our output could not be written, or whoever read it closed it
======  ==================================================================
"""

import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from data_exports import __version__, cli
from data_exports.cli.output import OUTPUT_LOST, painted, write_progress
from data_exports.errors import ExportsError, UsageError
from data_exports.text import dash_in, printable_lines
from data_exports.views.envelope import line_of

SECTIONS = {
    "Declare": ("init", "new", "check", "fmt", "schema", "who", "review", "register", "open"),
    "Deploy": ("plan", "deploy", "drift", "repair", "destroy", "purge", "handover", "probe"),
    "Operate": ("use", "send", "status", "history", "failures", "redrive", "cancel", "evidence", "verify"),
    "Try it": ("demo", "local", "canary"),
}
"""The commands by the step they belong to, in the order in which people meet them."""

DEFECT = 70
"""Exit code of a defect of ours: EX_SOFTWARE. https://man.freebsd.org/cgi/man.cgi?sysexits"""


class _InterruptedError(ExportsError):
    exit_code = 130
    kind = "interrupted"


class _DefectError(ExportsError):
    exit_code = DEFECT
    kind = "defect"


class _Commands(TyperGroup):
    """Lists commands by section, and sees to it that nothing ends without a word."""

    def list_commands(self, ctx: Any) -> list[str]:
        order = [name for names in SECTIONS.values() for name in names]
        return sorted(super().list_commands(ctx), key=lambda name: order.index(name) if name in order else len(order))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands below ``Options``."""
        for section, names in SECTIONS.items():
            rows = [(name, self.commands[name].get_short_help_str(150)) for name in names if name in self.commands]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Understand the words behind ``exports``; one of them may set up the shell's completion."""
        sets_up_completion = "--install-completion" in args
        try:
            return super().parse_args(ctx, args)
        except (OSError, RuntimeError) as error:
            if not sets_up_completion or isinstance(error, BrokenPipeError):
                raise
            what = getattr(error, "strerror", None) or str(error)
            where = str(getattr(error, "filename", None) or "the home folder")
            next_step = (
                "set HOME to your own folder, or put what `exports --show-completion` prints where your shell reads"
            )
            raise ExportsError(f"completion cannot be set up: {what}", where=where, next_step=next_step) from error

    def invoke(self, ctx: Any) -> Any:
        """Run the command named on the command line."""
        # Typer would take both for itself: Ctrl-C without a word, and any connection that breaks off as a quiet 1.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _InterruptedError("interrupted") from None
        except BrokenPipeError as error:
            raise RuntimeError("a connection broke off") from error


def main(
    arguments: Sequence[str] | None = None,
    *,
    modules: Sequence[ModuleType] | None = None,
    was_interrupted: Callable[[], bool] = lambda: False,
) -> int:
    """Run the command line (`sys.argv` unless given) and return the exit code.

    `modules` are those of the commands; unless given, this package's. Never raises; shows tracebacks only with
    ``--debug``. Where `was_interrupted`, an error that nobody expected comes of that: Python makes a RuntimeError of
    Ctrl-C while a class is made (before 3.12: https://github.com/python/cpython/issues/77757), and a TypeError while
    a name is imported.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = _take_debug(words), _wants_json(words)
    _show_any_character()
    try:
        command = build_command(modules_for(words) if modules is None else modules)
        # With standalone mode typer prints what is wrong with the call as text; without, it raises that.
        code = command.main(args=words, prog_name="exports", standalone_mode=not as_json) or 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code == UsageError.exit_code and (hint := _hint_on_options(words)):
            write_progress(f"  next: {hint}")
    except KeyboardInterrupt:
        code = _InterruptedError.exit_code
    except Exception as error:  # noqa: BLE001 - the one place where every error ends, as a line and an exit code
        if not was_interrupted() or isinstance(error, ExportsError):
            return _failed(error, debug=debug, as_json=as_json, words=words)
        code = _InterruptedError.exit_code
    if code == _InterruptedError.exit_code:  # also typer's word for Ctrl-C while it reads the options
        return _failed(_InterruptedError("interrupted"), debug=debug, as_json=as_json)
    return _ended(code)


def build_command(modules: Sequence[ModuleType]) -> Any:
    """``exports`` with the commands of these modules, where they have any. Typer's own type is private."""
    # Plain help: a quarter of the time that rich boxes take, and it can be searched and pasted.
    app = typer.Typer(cls=_Commands, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
    app.callback(invoke_without_command=True)(_exports)
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        if hasattr(module, "register"):
            module.register(app)
        elif hasattr(module, name):
            app.command(name)(getattr(module, name))
    command = typer.main.get_command(app)
    _keep_examples_as_written(command)
    _refuse_empty_words(command)
    return command


def _keep_examples_as_written(command: Any) -> None:
    """Let no line of the paragraph ``Examples:`` be joined to another, here and in the commands below."""
    command.help = re.sub(r"\n\n(?:\x08\n|\\b\n)?(?=Examples?:)", "\n\n\b\n", command.help or "")
    for inner in getattr(command, "commands", {}).values():
        _keep_examples_as_written(inner)


def _refuse_empty_words(command: Any) -> None:
    """Let no option and no argument be given empty, here and in the commands below.

    ``--account "$ACCOUNT"`` with a variable that is not set would otherwise ask about everybody.
    """
    for parameter in command.params:
        parameter.consume_value = partial(_consume_word, parameter, parameter.consume_value)
    for inner in getattr(command, "commands", {}).values():
        _refuse_empty_words(inner)


def _consume_word(parameter: Any, consume_value: Callable[..., Any], context: Any, given: Any) -> Any:
    """Raises `UsageError` for an empty word; the shell's completion asks while one is still to be written."""
    value, source = consume_value(context, given)
    words = value if isinstance(value, list | tuple) else (value,)
    if source.name == "COMMANDLINE" and "" in words and not context.resilient_parsing:
        is_option = parameter.param_type_name == "option"
        name = parameter.opts[0] if is_option else parameter.human_readable_name.strip("[].")
        other_way = "" if parameter.required else ", or leave it out"
        raise UsageError(f"{name} is empty", next_step=f"give it a value{other_way}")
    return value, source


def modules_for(words: Sequence[str]) -> list[ModuleType]:
    """The module of the command that the words name, or all if they name none."""
    # Options before the command take no values, so the first other word is the command.
    named = next((word for word in words if not word.startswith("-")), None)
    names = [found.name for found in iter_modules(cli.__path__)]
    known = {name for section in SECTIONS.values() for name in section}
    wanted = [named] if named in known and named in names else names
    return [import_module(f"{cli.__name__}.{name}") for name in wanted]


def _exports(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; accepted behind a command, too.")] = False,
) -> None:
    """Governed data exports on AWS, from one reviewed YAML file per dataset.

    Examples:
      exports check             are the declarations right?
      exports plan              what would deploying change?
      exports COMMAND --help    all about one command
    """
    del debug  # main has taken it, wherever it stood
    if version:
        typer.echo(f"exports {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _take_debug(words: list[str]) -> bool:
    """Remove ``--debug`` from the words before ``--``; whether it was there."""
    own = words[: words.index("--")] if "--" in words else words[:]
    words[: len(own)] = [word for word in own if word != "--debug"]
    return "--debug" in own


def _wants_json(words: Sequence[str]) -> bool:
    """Whether the answer is to be JSON, and so an error as well."""
    own = words[: words.index("--")] if "--" in words else words
    chosen = {*own, *(f"{option}={value}" for option, value in pairwise(own))}
    return not chosen.isdisjoint({"--json", "--format=json", "--as=json"})


def _show_any_character() -> None:
    """Let no character of a file name or an answer stop us on a terminal that cannot show it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _failed(error: Exception, *, debug: bool, as_json: bool, words: Sequence[str] = ()) -> int:
    if debug:
        write_progress("".join(traceback.format_exception(error)).rstrip("\n"))
    stop = _stop_of(error, words, debug=debug)
    if not as_json or not str(stop):
        return _ended(stop.exit_code, str(stop))
    from data_exports.views.error import error_as_data

    return _ended(stop.exit_code, as_json=line_of("error", error_as_data(stop)))


def _stop_of(error: Exception, words: Sequence[str], *, debug: bool) -> ExportsError:
    """What stopped us, as one of our errors."""
    if isinstance(error, UsageError) and (hint := _hint_on_options(words)):
        return UsageError(error.what, where=error.where, next_step="; ".join(filter(None, (error.next_step, hint))))
    if isinstance(error, ExportsError):
        return error
    if type(error).__module__.partition(".")[0] in ("boto3", "botocore"):  # nothing imports them just to ask
        from data_exports.aws import aws_error_of

        return aws_error_of(error)
    if tell := getattr(error, "format_message", None):  # typer's, whose own type is private
        hint = _hint_on_options(words) or "`exports COMMAND --help` shows how it is called"
        return UsageError(tell(), next_step=hint)
    again = "" if debug else "; run again with --debug and report what it shows"
    return _DefectError(f"unexpected {type(error).__name__}: {error}", next_step=f"this is a defect of exports{again}")


def _hint_on_options(words: Sequence[str]) -> str:
    """What to write where a word begins with a dash that is no hyphen, as text processors make one of two."""
    for word in words:
        if dash := dash_in(word[:2]):
            return f"an option begins with two hyphens, --, and {word!r} with {dash}"
    return ""


def _ended(code: int, message: str = "", *, as_json: str = "") -> int:
    """The exit code, once everything is written; another one if it could not be."""
    try:
        if as_json:
            write_progress(as_json)
        elif message:
            said = f"{painted('error:', 'red', stream=sys.stderr, bold=True)} {printable_lines(message)}"
            write_progress(said, styled=True)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a process may be started without
                stream.flush()
    except OSError:
        _leave_streams()
        return OUTPUT_LOST
    return code


def _leave_streams() -> None:
    """Give Python somewhere to flush its last output to, or it complains on the way out.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
