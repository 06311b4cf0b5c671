"""``make prove``: a policy evaluator that nobody here wrote judges the policies that are deployed.

In: the example estate, and one with every feature. Out: a table on stdout: requests asked, allowed and refused, by
kind; every difference from `grants_of` by itself. Exit code 0 only when there is none. Effects: one Node process.

The evaluator is `@cloud-copilot/iam-simulate` (https://github.com/cloud-copilot/iam-simulate).
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.names import AccountRootArn, UserArn
from data_exports.readers.kinds import reader_of
from data_exports.readers.sftp import SftpName
from tests.estates import (
    AZURE_READER,
    FULL,
    GOOGLE_READER,
    LOADER,
    READER,
    READERS_OUTSIDE_AWS,
    SFTP_READER,
    TENANT,
    WORKFLOW_READER,
    at_azure,
    at_google,
    estate_of,
    pull,
    push,
)
from tests.prove.deployed_policies import (
    EVERYTHING,
    Policies,
    Policy,
    account_of,
    owners_of,
    policies_of,
    with_our_side_open,
    with_their_side_open,
    with_trusts_alone,
)
from tests.prove.evidence_questions import evidence_questions
from tests.prove.outside_readers import outside_reader_questions
from tests.prove.questions import Question, administrator_of, questions_of
from tests.prove.token_questions import token_questions

FOLDER = Path(__file__).parent
EXAMPLE = FOLDER.parents[1] / "examples" / "estate"
MOST_DIFFERENCES_SHOWN = 20
SAMPLED_ACTIONS = (
    "s3:ListBucketMultipartUploads",
    "kms:Decrypt",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sqs:SendMessage",
)


def every_feature() -> Estate:
    """`FULL`, a whole account, a user, readers outside AWS, accesses that have ended, recipients in other clouds."""
    root = AccountRootArn("arn:aws:iam::203591025782:root")
    user = UserArn("arn:aws:iam::112233445566:user/loaders/nightly")
    whole = pull("whole_account", outsiders=(root, LOADER))
    ended = pull("long_over", outsiders=(READER, user), expires=date(2025, 3, 31))
    of_version_2 = reader_of({"azure": AZURE_READER.declaration["azure"] | {"version": "2", "audience": TENANT}})
    names = ("meridian", "calder", "meridian2", "lowther")
    meridian, calder, tarn, lowther = (replace(SFTP_READER, name=SftpName(name)) for name in names)
    readers, writers, over = (
        pull(name, outsiders=(), identities=identities, sftp_readers=by_sftp, **more)
        for name, identities, by_sftp, more in (
            ("readers", (*READERS_OUTSIDE_AWS, of_version_2), (meridian, calder), {"expires": date(2027, 3, 31)}),
            ("writers", (GOOGLE_READER, AZURE_READER), (tarn,), {"allow_push": True}),
            ("over", (WORKFLOW_READER,), (lowther,), {"expires": date(2025, 3, 31)}),
        )
    )
    pulls = estate_of(*FULL.pull_datasets, whole, ended, readers, writers, over).pull_datasets
    platform = replace(FULL.platform, audit="cloudtrail", evidence=EvidenceLock(3650))
    acting = at_google(bucket="hj-tables", service_account="exporter@hj-research.iam.gserviceaccount.com")
    elsewhere = (("research", at_azure()), ("tables", at_google()), ("acted_for", acting))
    pushes = (*FULL.push_datasets, *(push(name, destination=there) for name, there in elsewhere))
    return replace(FULL, platform=platform, pull_datasets=pulls, push_datasets=estate_of(*pushes).push_datasets)


def judge(estate: Estate, questions: Sequence[Question], policies: Policies) -> list[bool]:
    """What the evaluator answers to each. Raises `CalledProcessError` when it does not."""
    node = shutil.which("node") or "node"
    asked = json.dumps(_in_words(estate, questions, policies))
    run = subprocess.run([node, "judge.mjs"], cwd=FOLDER, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    answers = [line == "true" for line in run.stdout.splitlines()]
    if len(answers) != len(questions):
        raise RuntimeError(f"{len(questions):,} questions, {len(answers):,} answers")
    return answers


def _in_words(estate: Estate, questions: Sequence[Question], policies: Policies) -> dict[str, Any]:
    """The questions as `judge.mjs` reads them; each document stands there once."""
    documents: list[Any] = []
    numbers: dict[int, int] = {}
    owners = owners_of(estate)

    def number_of(document: Any) -> int:
        if id(document) not in numbers:
            numbers[id(document)] = len(documents)
            documents.append(_in_its_keys(document))
        return numbers[id(document)]

    requests = [
        {
            "principal": question.principal,
            "action": question.action,
            "resource": question.resource,
            "account": owners.get(question.whole_resource, str(estate.platform.account)),
            "context": {_key(key): value for key, value in question.context},
            "identity": [number_of(each) for each in policies.of_identity.get(question.principal, [])],
            "byResource": None if (found := policies.of_resource_asked(question)) is None else number_of(found),
        }
        for question in questions
    ]
    return {"policies": documents, "requests": requests}


def _in_its_keys(document: Policy) -> Policy:
    """The document with condition keys that the evaluator knows."""
    statements = [
        statement | {"Condition": {of: {_key(key): each for key, each in keys.items()} for of, keys in found.items()}}
        if (found := statement.get("Condition"))
        else statement
        for statement in document["Statement"]
    ]
    return document | {"Statement": statements}


def _key(key: str) -> str:
    """A condition key; of an account's own provider, which the evaluator does not know, the tag of that name."""
    is_of_provider = key.rpartition(":")[2] in ("aud", "oaud", "sub") and not key.startswith("accounts.google.com:")
    return f"aws:RequestTag/{key}" if is_of_provider else key


def weaker(document: Policy) -> Iterator[tuple[str, Policy]]:
    """The document with one condition, or one statement that denies, left out; each by the name of what is gone."""
    for number, statement in enumerate(document["Statement"]):
        others = [*document["Statement"][:number], *document["Statement"][number + 1 :]]
        if statement["Effect"] == "Deny":
            yield statement["Sid"], document | {"Statement": others}
            continue
        for operator, keys in statement.get("Condition", {}).items():
            for key in keys:
                left = {name: value for name, value in keys.items() if name != key}
                conditions = {**statement["Condition"], operator: left} if left else dict(statement["Condition"])
                if not left:
                    del conditions[operator]
                wider = {**statement, "Condition": conditions}
                yield f"{statement['Sid']} {key}", document | {"Statement": [*others, wider]}


@dataclass(frozen=True)
class Case:
    """Some requests, to be judged under some policies."""

    name: str
    questions: tuple[Question, ...]
    policies: Policies


def cases_of(estate: Estate) -> Iterator[Case]:
    """As deployed; then with either side giving all it can, so that what refuses is the other side alone."""
    questions = tuple(dict.fromkeys((*questions_of(estate), *evidence_questions(estate))))
    deployed = policies_of(estate)
    deployed.of_identity[administrator_of(estate)] = [EVERYTHING]
    yield Case("as deployed", tuple(dict.fromkeys((*questions, *token_questions(estate)))), deployed)
    of_roles = (*(each for each in questions if each.action.startswith("sts:")), *outside_reader_questions(estate))
    trusting = with_trusts_alone(deployed, {each.principal for each in of_roles})
    yield Case("trusts alone", tuple(dict.fromkeys(of_roles)), trusting)
    principals = {each.principal for each in questions}
    platform, owners = str(estate.platform.account), owners_of(estate)
    across = tuple(
        each
        for each in questions
        if each.principal.startswith("arn:")
        and not each.action.startswith("sts:")
        and account_of(each.principal) != owners.get(each.whole_resource, platform)
    )
    yield Case("their side gives all", across, with_their_side_open(deployed, estate, principals))
    across = tuple(
        each for each in across if each.kind not in ("without TLS", "TLS 1.1")
    )  # those are our side's to refuse
    yield Case("our side gives all", across, with_our_side_open(deployed, estate, principals))


def unnoticed(estate: Estate, cases: Sequence[Case]) -> tuple[int, list[str]]:
    """Leave out each guard of each policy: how many there are, and those after which no request is judged otherwise."""
    tried: dict[str, bool] = {}
    for case in cases:
        seen = Counter[str]()
        for where, document, put in case.policies.documents():
            seen[where] += 1
            if document is EVERYTHING:
                continue
            of_it = (each for each in case.questions if where in (each.principal, each.whole_resource))
            about = [each for each in of_it if case.policies.decides(document, each)]
            for name, wider in weaker(document):
                guard = f"{where} {name}, in its policy {seen[where]}"
                if about and not tried.get(guard):
                    put(wider)
                    tried[guard] = bool(differences_of(about, judge(estate, about, case.policies)))
            put(document)
    return len(tried), [guard for guard, was_missed in tried.items() if not was_missed]


def differences_of(questions: Sequence[Question], answers: Sequence[bool]) -> list[str]:
    """Where the evaluator and `grants_of` disagree."""
    return [
        f"{each.principal} {each.action} on {each.resource} ({each.kind}; {dict(each.context)}): "
        f"{'allowed, not granted' if answer else 'granted, not allowed'}"
        for each, answer in zip(questions, answers, strict=True)
        if each.expected is not answer
    ]


def table_of(questions: Sequence[Question], answers: Sequence[bool]) -> list[str]:
    """How many requests of each kind were allowed and refused."""
    allowed = Counter(each.kind for each, answer in zip(questions, answers, strict=True) if answer)
    asked = Counter(each.kind for each in questions)
    lines = [f"  {'kind of request':<24}{'asked':>9}{'allowed':>9}{'refused':>9}"]
    for kind, count in asked.items():
        lines.append(f"  {kind:<24}{count:>9,}{allowed[kind]:>9,}{count - allowed[kind]:>9,}")
    return lines


def main() -> int:
    """Judge both estates; return the exit code."""
    wrong = 0
    estates = {"examples/estate": load_estate(EXAMPLE).require(), "every feature": every_feature()}
    for name, estate in estates.items():
        cases = list(cases_of(estate))
        for case in cases:
            answers = judge(estate, case.questions, case.policies)
            found = differences_of(case.questions, answers)
            print(
                f"{name}, {case.name}: {len(answers):,} requests, {len(found):,} judged otherwise than grants_of says"
            )
            print("\n".join(table_of(case.questions, answers)))
            wrong += _shown(found)
    tried, missed = unnoticed(estate, [_sample_of(case) for case in cases])
    print(
        f"{name}: {tried:,} guards left out of the policies, one at a time; {tried - len(missed):,} were missed at once"
    )
    wrong += _shown([f"{each}: nothing is judged otherwise without it" for each in missed])
    return 1 if wrong else 0


def _sample_of(case: Case) -> Case:
    """Without most of what anybody may not do: a guard that is missing shows in a few of these."""
    few = (each for each in case.questions if not each.kind.startswith("anybody") or each.action in SAMPLED_ACTIONS)
    return replace(case, questions=tuple(few))


def _shown(found: Sequence[str]) -> int:
    """Print what is wrong, the first of it; return how much there is."""
    for each in found[:MOST_DIFFERENCES_SHOWN]:
        print(f"  WRONG {each}")
    if len(found) > MOST_DIFFERENCES_SHOWN:
        print(f"  WRONG and {len(found) - MOST_DIFFERENCES_SHOWN:,} more")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
