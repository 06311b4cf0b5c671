import json

import pytest

from data_exports.contract.tasks import ProbeAnswer, SweepAnswer, Task, Try, Verdict, task_in

TRIES = (Try("put", Verdict.ALLOWED), Try("key", Verdict.REFUSED, "AccessDenied", "no\nway", "R1"))
BUCKET = {"target_bucket": "cp-orders", "target_account": None, "target_kms_key": "arn:aws:kms:::key/1"}
ANSWER = ProbeAnswer("orders", "1.2.3", BUCKET, "orders/.exports-probe", TRIES)
AS_JSON = {
    "task": "probe",
    "dataset": "orders",
    "mover_version": "1.2.3",
    "destination": BUCKET,
    **BUCKET,
    "key": "orders/.exports-probe",
    "tries": [
        {"what": "put", "verdict": "allowed", "code": "", "said": "", "request_id": ""},
        {"what": "key", "verdict": "refused", "code": "AccessDenied", "said": "no\nway", "request_id": "R1"},
    ],
}


def test_a_task_is_asked_for_as_deployed_schedules_do() -> None:
    assert [task.request for task in Task] == ['{"task": "sweep"}', '{"task": "probe"}']
    assert [task_in(json.loads(task.request)) for task in Task] == [Task.SWEEP, Task.PROBE]


@pytest.mark.parametrize("event", [{}, {"task": "mend"}, {"task": None}, {"task": ["sweep"]}, {"Records": []}])
def test_other_events_ask_for_no_task(event: dict[str, object]) -> None:
    assert task_in(event) is None


def test_the_answer_of_a_probe_is_read_as_it_was_given() -> None:
    assert json.loads(json.dumps(ANSWER.encode())) == AS_JSON
    assert ProbeAnswer.decode(json.dumps(ANSWER.encode()).encode()) == ANSWER


def test_a_function_that_knew_buckets_alone_names_its_bucket_beside_all_else() -> None:
    earlier = {name: value for name, value in AS_JSON.items() if name != "destination"} | BUCKET
    assert ProbeAnswer.decode(json.dumps(earlier).encode()) == ANSWER


def test_a_newer_function_may_answer_more_and_other_verdicts() -> None:
    newer = {**AS_JSON, "colour": "red", "tries": [{"what": "put", "verdict": "perhaps", "at": "noon"}]}
    answer = ProbeAnswer.decode(json.dumps(newer).encode())
    assert answer is not None
    assert answer.tries == (Try("put", Verdict.UNKNOWN),)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"probe"',
        b'{"batchItemFailures": []}',
        json.dumps({"task": "probe"}).encode(),
        json.dumps({**AS_JSON, "task": "sweep"}).encode(),
        json.dumps({**AS_JSON, "tries": [None]}).encode(),
    ],
)
def test_what_is_no_answer_to_a_probe_is_none(payload: bytes) -> None:
    assert ProbeAnswer.decode(payload) is None


def test_the_answer_of_a_sweep_names_its_task() -> None:
    assert SweepAnswer(in_sight=3, late=2, handed_over=1, finished=True).encode() == {
        "task": "sweep",
        "in_sight": 3,
        "late": 2,
        "handed_over": 1,
        "finished": True,
        "skipped": "",
    }
