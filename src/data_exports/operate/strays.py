"""Stray messages: dead letters that tell of no upload of the dataset. No redrive cures them; they are removed for good.

In: a dataset, the id of a message and an `Aws`. Out: the `DeadLetter` to show. Effects: `remove_stray` deletes that one
message; whatever else is looked at on the way is put back.
"""

from data_exports.aws import Aws
from data_exports.errors import RefusedError
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.dead_letters import upload_of_the_dataset_in
from data_exports.operate.queues import DeadLetter, dead_letters_one_by_one, delete_dead_letter
from data_exports.text import printable, shell_word


def read_stray(platform: Platform, push: PushDataset, aws: Aws, message_id: str) -> DeadLetter:
    """The stray message. Raises `RefusedError` if there is none of this id, or it tells of an upload; `AwsError`."""
    with dead_letters_one_by_one(platform, push, aws) as held:
        found = next((each.dead_letter for each in held if each.dead_letter.message_id == message_id), None)
    if found is None:
        raise _not_there(push, message_id)
    upload = upload_of_the_dataset_in(found, platform, push)
    if upload is not None:
        key, word = printable(upload.key), shell_word(upload.key)
        raise RefusedError(
            f"message {message_id} is no stray: it tells of the upload {key}, which is in the hub",
            next_step=f"exports redrive {push.name} delivers it; exports cancel {push.name} {word} withdraws it",
        )
    return found


def remove_stray(platform: Platform, push: PushDataset, aws: Aws, message_id: str) -> None:
    """Remove the message for good. Raises `RefusedError` if it is gone meanwhile; `AwsError`."""
    with dead_letters_one_by_one(platform, push, aws) as held:
        for each in held:
            if each.dead_letter.message_id == message_id:
                delete_dead_letter(platform, push, aws, each)
                return
    raise _not_there(push, message_id)


def _not_there(push: PushDataset, message_id: str) -> RefusedError:
    return RefusedError(
        f"{push.name} has no dead letter {printable(message_id)}, or somebody else looks at it just now",
        next_step=f"exports failures {push.name} lists them with their ids",
    )
