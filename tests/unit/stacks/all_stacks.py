"""The stacks of an estate that holds every kind of dataset."""

from data_exports.stacks.access_logs import access_logs_stack
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Stack, Surroundings
from tests.estates import FULL, PLATFORM

AROUND = Surroundings(code_key="code/mover-0123456789abcdef.zip")


def all_stacks(around: Surroundings = AROUND) -> list[Stack]:
    return [
        foundation_stack(PLATFORM, require_tls=around.require_tls),
        access_logs_stack(FULL.platform, FULL.pull_datasets, require_tls=around.require_tls),
        *(push_stack(PLATFORM, each, around) for each in FULL.push_datasets),
        *(pull_stack(PLATFORM, each, around) for each in FULL.pull_datasets),
        hub_stack(PLATFORM, FULL.push_datasets, require_tls=around.require_tls),
    ]
