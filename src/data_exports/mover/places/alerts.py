"""Tells people of files that are given up: one message for a batch, to the dataset's alert topics.

In: what was given up. Out: what went wrong in telling. Effects: publishes to SNS. It is the last thing that a
batch does: a message that cannot be published is logged and holds up nothing, and the alarm on the dead-letter queue
goes off all the same.
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from data_exports.contract.causes import Cause, Side
from data_exports.mover.wire.service import Service, ServiceError
from data_exports.mover.wire.xml_answers import found_in

FILES_TOLD = 20
_LONGEST_TEXT = 600
"""Characters of a key or a reason; a message may hold 256 KiB."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """One file that is not tried again by itself, or a message that told of none."""

    key: str
    """Empty where the message could not be understood."""
    reason: str
    cause: Cause | None
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One e-mail: SNS allows a subject of 100 ASCII characters."""

    subject: str
    text: str


def alert_of(dataset: str, given_up: Sequence[GivenUp]) -> Alert:
    """What to tell about these files: which, why, and what to do next."""
    count = f"{len(given_up)} file{'s' * (len(given_up) != 1)}"
    files = [line for each in given_up[:FILES_TOLD] for line in _lines(each)]
    more = [f"  and {len(given_up) - FILES_TOLD} more"] if len(given_up) > FILES_TOLD else []
    lines = [
        f"The export {dataset} gave up on {count}, after all tries. Nothing is lost: what was uploaded is in the hub.",
        "",
        *files,
        *more,
        "",
        "Next:",
        *_next_steps(dataset, {each.cause for each in given_up}),
    ]
    return Alert(f"Export {dataset}: {count} not delivered", "\n".join(lines) + "\n")


def publish(alert: Alert, topics: Sequence[str], sns: Service) -> list[ServiceError]:
    """Publish to each topic; return what went wrong."""
    problems = []
    for topic in topics:
        content = {"TopicArn": topic, "Subject": alert.subject, "Message": alert.text}
        body = urlencode({"Action": "Publish", "Version": "2010-03-31", **content}).encode()
        try:
            answer = sns.ask([("content-type", "application/x-www-form-urlencoded")], body)
        except ServiceError as error:
            problems.append(ServiceError(f"Publish to {topic} failed: {error}"))
            continue
        if not found_in(answer, "MessageId"):
            what = f"what is no answer of SNS: {answer[:80]!r}"
            problems.append(ServiceError(f"Publish to {topic} was answered with {what}"))
    return problems


def _lines(given_up: GivenUp) -> list[str]:
    what = _shown(given_up.key) or f"(message {given_up.message_id}, which names no file)"
    return [f"  {what}", f"    {_shown(given_up.reason)}"]


def _next_steps(dataset: str, causes: set[Cause | None]) -> list[str]:
    sides = {cause.side for cause in causes if cause}
    recipient, hub, sender = (side in sides for side in (Side.RECIPIENT, Side.HUB, Side.SENDER))
    strays = Cause.BAD_MESSAGE in causes
    return [
        *(["  ask the senders to send these files again, as the reasons say"] if sender else []),
        *(["  exports drift      what of the platform's own was changed; exports deploy mends it"] if hub else []),
        *([f"  exports probe {dataset}      which side lacks what"] if recipient else []),
        *([f"  exports handover {dataset}   what the recipient must put in place"] if recipient else []),
        f"  exports failures {dataset}   every file that was given up, and what to do about it",
        *([f"  exports cancel {dataset} --message ID   remove a message that names no file"] if strays else []),
        f"  exports redrive {dataset}    deliver them, once the cause is mended",
    ]


def _shown(text: str) -> str:
    """The text on one line, with what might not show escaped, and not too long."""
    shown = "".join(mark if _is_seen(mark) else ascii(mark)[1:-1] for mark in text)
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[:_LONGEST_TEXT]}..."


def _is_seen(mark: str) -> bool:
    """Whether it is a letter of Latin, Greek or Cyrillic, a digit or a sign that shows.

    Among the other scripts there are blank ones that Python calls printable. The list is in `data_exports.text`, which
    the mover does not bring along; so it escapes more than that does. Before U+0530 one mark alone is drawn as nothing.
    """
    return mark.isprintable() and mark < "\u0530" and mark != "\u034f"
