"""Decisions of a review, asked for on a terminal one by one, and written into its file at once.

In: the file of an open review, and accesses of it. Effects: asks on stderr, reads stdin, writes the file.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from data_exports.cli.asking import ask
from data_exports.cli.output import write_progress
from data_exports.errors import DeclarationError, UsageError
from data_exports.text import counted

if TYPE_CHECKING:
    from data_exports.reviews.models import AccessRow, Decision, Review, ReviewedDataset

    Rows = Sequence[tuple[ReviewedDataset, AccessRow]]


def ask_about(path: Path, rows: "Rows", *, by: str) -> None:
    """Ask about each of these accesses that waits for a decision, until the person has enough."""
    if not sys.stdin.isatty():
        next_step = 'give a decision, such as --keep --reason "...", or edit the file'
        raise UsageError("nobody is there to be asked", next_step=next_step)
    from data_exports.reviews.rows import row_id
    from data_exports.views.review import render_reviewed_dataset, render_row

    waiting = [row_id(dataset.dataset, row) for dataset, row in rows if not row.is_decided]
    shown, reason = "", ""
    for number, wanted in enumerate(waiting, start=1):
        pair = next((each for each in review_at(path).rows() if row_id(each[0].dataset, each[1]) == wanted), None)
        if pair is None or pair[1].is_decided:  # with the rest of its dataset, or by somebody else meanwhile
            continue
        if pair[0].dataset != shown:
            shown = pair[0].dataset
            write_progress(f"\n{render_reviewed_dataset(pair[0])}")
        write_progress(f"[{number}/{len(waiting)}] {render_row(pair[1])}")
        answer = _ask_decision()
        if answer == "quit":
            return
        if answer == "skip":
            continue
        reason = _ask_reason(reason)
        if not reason:
            return
        _write_asked(path, pair, answer, by=by, reason=reason)


def _write_asked(
    path: Path, pair: "tuple[ReviewedDataset, AccessRow]", answer: "Decision", *, by: str, reason: str
) -> None:
    """Write one answer; an end, for all accesses of the dataset that wait, if the person agrees."""
    dataset, row = pair
    others = [(dataset, each) for each in dataset.accesses if not each.is_decided and each is not row]
    rows = [pair]
    if answer.last_day and others:
        question = f"An end is the whole dataset's: the same for its {counted(len(others), 'other')} that wait? [y/N] "
        rows += others if (ask(question) or "").strip().lower() in ("y", "yes") else []
    try:
        write_decision(path, rows, answer, by=by, reason=reason)
    except UsageError as error:
        write_progress(str(error))


def _ask_decision() -> "Decision | Literal['skip', 'quit']":
    """The decision that is typed; ``skip``, or ``quit``."""
    from data_exports.reviews.models import KEEP, REMOVE, Decision

    while True:
        match (ask("keep, shorten, remove, skip or quit? [k/s/r/-/q] ") or "q").strip().lower():
            case "k" | "keep":
                return KEEP
            case "r" | "remove":
                return REMOVE
            case "-" | "skip":
                return "skip"
            case "q" | "quit":
                return "quit"
            case "s" | "shorten":
                typed = ask("last day (YYYY-MM-DD): ") or ""
                try:
                    return Decision("shorten", parse_day(typed.strip(), "last day", datetime.now(UTC).date()))
                except UsageError as error:
                    write_progress(str(error))
            case _:
                write_progress("type k, s, r, - or q")


def _ask_reason(last: str) -> str:
    """Why; Enter for the last reason. "" for somebody who has enough."""
    while True:
        typed = ask(f"why? [{last}] " if last else "why? ")
        if typed is None:
            return ""
        if typed.strip() or last:
            return typed.strip() or last
        write_progress("a decision needs a reason")


def write_decision(path: Path, rows: "Rows", decision: "Decision", *, by: str, reason: str) -> None:
    """Write a decision about these accesses into the file, which was read a moment ago. Raises `UsageError`."""
    from data_exports.estate.atomic_files import replace_file
    from data_exports.reviews.review_file import parse_review
    from data_exports.reviews.review_text import with_decision

    for dataset, _ in rows:
        if decision.last_day and not dataset.until.startswith("no") and str(decision.last_day) >= dataset.until:
            next_step = "keep it, or give an earlier day"
            raise UsageError(f"{dataset.dataset} ends with {dataset.until} already", next_step=next_step)
    text = with_decision(path.read_bytes().decode("utf-8-sig"), rows, decision, by=by, reason=reason)
    review, findings = parse_review(text, path)
    if review is None:
        raise UsageError(f"this cannot be written: {findings[0].message}", next_step=findings[0].hint)
    replace_file(path, text)


def parse_day(text: str, option: str, today: date) -> date:
    """The day that is given for an option; not one that has passed. Raises `UsageError`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        next_step = "write it as 2027-03-31"
        raise UsageError(f"{text!r} is not a date", where=option, next_step=next_step) from None
    if day < today:
        raise UsageError(f"{day} has passed", where=option, next_step="give a day to come")
    return day


def review_at(path: Path) -> "Review":
    """The review as it stands in its file now. Raises `DeclarationError`."""
    from data_exports.reviews.review_file import read_review

    review, findings = read_review(path)
    if review is None:
        raise DeclarationError("\n".join(map(str, findings)), next_step="mend it, then go on")
    return review
