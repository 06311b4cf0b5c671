"""Every code of a finding explained: why it is a mistake, what it looks like, how it is mended. Data; pure.

`python -m data_exports.estate.explained > docs/findings.md` writes the page that people look codes up in, and
`exports check --explain CODE` shows one of its sections; SARIF carries the same texts. A test keeps the page current
and reads every example, so that what it shows is what `check` says.
"""

import sys
from dataclasses import dataclass

from data_exports.estate.codes import Code
from data_exports.estate.findings import Severity

PLATFORM = "exports.yaml"
PUSH = "push_datasets/orders.yaml"
PULL = "pull_datasets/tables.yaml"

HEADING = """\
# Findings

What `exports check` finds, by code. A code keeps its meaning for ever, so it can be searched for and counted. An
**error** stops every command that needs the declarations; a **warning** is only said (with `--strict` it fails `check`,
too). This page is made from the code (`make docs`), and a test reads every example on it.
"""

GROUPS = {
    "EX1": "The file",
    "EX2": "Fields and values",
    "EX3": "The platform, `exports.yaml`",
    "EX4": "Names and buckets",
    "EX5": "People and roles",
    "EX6": "Paperwork, ends and texts",
    "EX7": "Sizes",
    "EX8": "What AWS says (`exports check --live`)",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code: `wrong` is what stands in `file`, or a sentence where no file can show it; `right` is the same mended.

    Unless the file is a `whole` one, only the lines that matter are shown, and the rest of the file is good.
    """

    why: str
    mend: str
    file: str = ""
    wrong: str = ""
    right: str = ""
    whole: bool = False
    severity: Severity = Severity.ERROR
    severity_note: str = ""


WARNING = Severity.WARNING

EXPLAINED: dict[Code, Explanation] = {
    Code.UNREADABLE: Explanation(
        why="What cannot be read cannot be reviewed, and a dataset that went missing would look like one to take down.",
        wrong="A file without read permission, a folder or a pipe named `orders.yaml`.",
        mend="Mend the file or its permissions, or remove it from the estate.",
    ),
    Code.LINK: Explanation(
        why="What a link leads to lies elsewhere: it can change without a review, or with that of other people than"
        " CODEOWNERS names for this folder, and git keeps the link alone.",
        wrong="`push_datasets/orders.yaml` is a symbolic link to `../shared/orders.yaml`, or `push_datasets` is a git"
        " submodule.",
        mend="Put the files themselves into the folder.",
    ),
    Code.TOO_LARGE: Explanation(
        why="A declaration is one short file. A very large one is a mistake, or meant to keep readers busy.",
        wrong="A data file of several megabytes was saved as `push_datasets/orders.yaml`.",
        mend="Declare one dataset a file; put documents elsewhere, and their link here.",
    ),
    Code.NOT_UTF8: Explanation(
        why="Text in another encoding is read differently by different people.",
        wrong="`owner: José` was saved as Latin-1 or UTF-16.",
        mend="Save the file as UTF-8.",
    ),
    Code.NOT_YAML: Explanation(
        why="The file cannot be read beyond this place. The cause often stands on the line above.",
        file=PUSH,
        wrong="users: [alpha_user_ana\n",
        right="users: [alpha_user_ana]\n",
        mend="Check indentation (spaces, no tabs), colons, brackets and quotes. Quote a text that holds `: ` or ` #`.",
    ),
    Code.EMPTY: Explanation(
        why="An empty file may be what is left of a dataset by accident.",
        file=PUSH,
        wrong="# name: orders\n",
        whole=True,
        mend="Write the fields, or remove the file.",
    ),
    Code.TWO_DOCUMENTS: Explanation(
        why="Whatever follows `---` is easily overlooked in a review.",
        file=PUSH,
        wrong="""\
name: orders
target_bucket: orders-landing
users: [alpha_user_ana]
---
name: more_orders
""",
        whole=True,
        mend="Move each dataset to a file of its own. One `---` at the very beginning is fine.",
    ),
    Code.DUPLICATE_KEY: Explanation(
        why="Readers differ in which of the two counts.",
        file=PUSH,
        wrong="users: [alpha_user_ana]\nusers: [alpha_user_ben]\n",
        right="users: [alpha_user_ana, alpha_user_ben]\n",
        mend="Keep one of the two.",
    ),
    Code.YAML_TRICK: Explanation(
        why="An anchor, alias, merge key or tag makes a file mean something that does not stand where it applies.",
        file=PUSH,
        wrong="target_bucket: &bucket orders-landing\npaperwork: *bucket\n",
        right="target_bucket: orders-landing\npaperwork: DPIA-1\n",
        mend="Write each value out. Quote a text that begins with `&`, `*` or `!`.",
    ),
    Code.TOO_DEEP: Explanation(
        why="A declaration is a flat list of fields.",
        file=PUSH,
        wrong="owner: [[[[[[[[Ana]]]]]]]]\n",
        right="owner: Ana\n",
        mend="Remove the levels.",
    ),
    Code.NOT_COUNTED: Explanation(
        why="Somebody may believe that this file declares something.",
        wrong="`push_datasets/orders.txt`, `push_datasets/2031/orders.yaml`, `push_datasets/.orders.yaml`, or a dataset"
        " beside the two folders.",
        mend="Name it `….yaml` or `….yml` and put it right into `push_datasets/` or `pull_datasets/`. READMEs and"
        " hidden files are left alone, unless they end like a declaration.",
        severity=WARNING,
    ),
    Code.NO_DATASETS: Explanation(
        why="A folder whose name has a slip declares nothing, and its datasets would look like ones to take down.",
        wrong="The folder is named `push-datasets`.",
        mend="Name the folders `push_datasets` and `pull_datasets`. One of the two may be missing.",
        severity=WARNING,
    ),
    Code.SAME_FILE_NAME: Explanation(
        why="On the file systems of macOS and Windows the two are one file: a checkout there loses a dataset.",
        wrong="`push_datasets/orders.yaml` and `push_datasets/Orders.yaml`.",
        mend="Rename one of the two.",
    ),
    Code.HIDDEN_TEXT: Explanation(
        why="What a reviewer cannot see must not be there. YAML ends a line at U+0085, U+2028, U+2029 and at a carriage"
        " return alone, and a diff does not: a comment could hold a field. Direction marks show text in another order,"
        " and invisible characters make two names of what looks like one. Comments are looked at, too.",
        wrong="`# read only`, then U+2028, then `allow_push: true`: one line in a diff, two for YAML.",
        mend="Remove the character, or type the line again. Emoji (U+FE0F, U+200D) and text that was copied from"
        " documents bring some along.",
    ),
    Code.WRONG_SHAPE: Explanation(
        why="A field holds one value, a list or a mapping; another shape was probably meant for another field.",
        file=PUSH,
        wrong="users: alpha_user_ana\n",
        right="users:\n  - alpha_user_ana\n",
        mend="Write lists with one `- ` a line, one value after the colon, mappings as lines of `key: value`.",
    ),
    Code.UNKNOWN_FIELD: Explanation(
        why="A field that nobody reads has no effect; with a slip in its name, what was meant would silently not hold.",
        file=PUSH,
        wrong="keep_file: true\n",
        right="keep_files: true\n",
        mend="Use the name that the hint offers, or remove the field.",
    ),
    Code.MISSING_FIELD: Explanation(
        why="The dataset cannot be made without it.",
        file=PUSH,
        wrong="name: orders\ntarget_bucket: orders-landing\n",
        right="name: orders\ntarget_bucket: orders-landing\nusers:\n  - alpha_user_ana\n",
        whole=True,
        mend="Add the field. `exports new` asks for all of them.",
    ),
    Code.NO_VALUE: Explanation(
        why="An empty field may be one that somebody forgot to fill in.",
        file=PUSH,
        wrong="owner:\n",
        right="owner: Courts Data Team\n",
        mend="Write a value, or remove the line.",
    ),
    Code.BAD_NAME: Explanation(
        why="AWS would refuse it, or it would name something else. Account ids have 12 digits, buckets stand without"
        " `arn:aws:s3:::`, names of datasets hold lower case letters, digits, `_` and `-`.",
        file=PUSH,
        wrong='target_account: "7542566215"\n',
        right='target_account: "754256621582"\n',
        mend="Write it as the hint says.",
    ),
    Code.BAD_BOOLEAN: Explanation(
        why="YAML readers differ on `yes`, `on` and quoted words.",
        file=PUSH,
        wrong="keep_files: yes\n",
        right="keep_files: true\n",
        mend="Write `true` or `false`, without quotes.",
    ),
    Code.BAD_NUMBER: Explanation(
        why="The number is outside what the setting allows, or is written so that readers differ on it.",
        file=PLATFORM,
        wrong="  recovery_days: 400\n",
        right="  recovery_days: 30\n",
        mend="Write plain digits within the range.",
    ),
    Code.BAD_DATE: Explanation(
        why="IAM itself will end the access on this day, so it must be a day.",
        file=PUSH,
        wrong="expires: 31/03/2035\n",
        right="expires: 2035-03-31\n",
        mend="Write the last day of access as YYYY-MM-DD; leave the field out if there is none.",
    ),
    Code.BAD_CHOICE: Explanation(
        why="Only the words the hint lists mean something here.",
        file=PLATFORM,
        wrong="  paperwork: require\n",
        right="  paperwork: required\n",
        mend="Write one of the words.",
    ),
    Code.BOTH_SPELLINGS: Explanation(
        why="`bucket` is an older spelling of `target_bucket`. With both, nobody can tell which one counts.",
        file=PUSH,
        wrong="bucket: orders-landing\ntarget_bucket: orders-inbox\n",
        right="target_bucket: orders-landing\n",
        mend="Keep `target_bucket`.",
    ),
    Code.IGNORED_FIELD: Explanation(
        why="It looks as if it decided something. The bucket of a pull dataset is named after the dataset.",
        file=PULL,
        wrong="bucket: tables-bucket\n",
        mend="Remove the line.",
        severity=WARNING,
    ),
    Code.READ_OTHERWISE: Explanation(
        why="`exports` takes every name for a text. Editors, and programs that read the file too, take `123`, `1e3`,"
        " `0x1f`, `2031-01-31`, `on` or `true` for a number, a date, or true or false.",
        file=PUSH,
        wrong="owner: 1042\n",
        right='owner: "1042"\n',
        mend="Put it in double quotes. `exports fmt` does.",
        severity=WARNING,
    ),
    Code.CUT_TEXT: Explanation(
        why="A `#` behind a space begins a comment. What looks like the rest of the text is none of it.",
        file=PUSH,
        wrong="description: issue #42 of the court\n",
        right='description: "issue #42 of the court"\n',
        mend="Put the text in double quotes. If a comment is meant, write a space behind the `#`.",
        severity=WARNING,
    ),
    Code.WIDE_ROLE_PATTERN: Explanation(
        why="Dataset files could then grant data to any role of the account, administrators' and services' included.",
        file=PLATFORM,
        wrong='  user_roles: ["*"]\n',
        right="  user_roles: [alpha_user_*, alpha_app_*]\n",
        mend="Write what the names of user roles begin with, three letters at least, before any `*` or `?`.",
    ),
    Code.BAD_TAG: Explanation(
        why="AWS would refuse the tag, and with it every stack.",
        file=PLATFORM,
        wrong="  tags:\n    aws:owner: Data Engineering\n",
        right="  tags:\n    owner: Data Engineering\n",
        mend="Use at most 40 tags of letters, digits, spaces and `. : / = + - @ _`, keys up to 128 and values up to 256"
        " characters, no key that begins with `aws:`, no two that differ in case only.",
    ),
    Code.BAD_EMAIL: Explanation(
        why="Nobody would hear of failures; or somebody else, at a domain that only looks like yours.",
        file=PLATFORM,
        wrong="  alerts: [data engineering]\n",
        right="  alerts: [data-engineering@example.gov.uk]\n",
        mend="Write one address an entry.",
    ),
    Code.NO_ALERTS: Explanation(
        why="A delivery that fails should reach somebody.",
        file=PLATFORM,
        wrong="""\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: mojap-hub-exports
  pull_bucket_prefix: mojap-
  user_roles: [alpha_user_*]
""",
        right="""\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: mojap-hub-exports
  pull_bucket_prefix: mojap-
  user_roles: [alpha_user_*]
  alerts: [data-engineering@example.gov.uk]
""",
        whole=True,
        mend="Add `alerts:` with the address of the people who repair deliveries.",
        severity=WARNING,
    ),
    Code.LONG_HUB: Explanation(
        why="Receipts are kept in the bucket `<hub_bucket>-log`, whose name must not have more than 63 characters.",
        file=PLATFORM,
        wrong="  hub_bucket: ministry-of-justice-analytical-platform-hub-exports-production\n",
        right="  hub_bucket: mojap-hub-exports\n",
        mend="Use at most 59 characters.",
    ),
    Code.SAME_ACCOUNT_NAME: Explanation(
        why="Plans and reviews call accounts by these names. With one name for two, a reader takes a stranger for a"
        " partner. Names that only look alike count as one.",
        file=PLATFORM,
        wrong='  accounts: {"318604275917": Cloud Platform, "754256621582": cloud platform}\n',
        right='  accounts: {"318604275917": Cloud Platform, "754256621582": Cloud Platform (test)}\n',
        mend="Give each account a name of its own.",
    ),
    Code.OTHER_ACCOUNT_IN_NAME: Explanation(
        why="A name with an id in it passes for the account with that id.",
        file=PLATFORM,
        wrong='  accounts: {"318604275917": Courts 754256621582}\n',
        right='  accounts: {"318604275917": Courts}\n',
        mend="Leave ids out of names: every message shows the id of the account itself beside its name.",
    ),
    Code.SAME_NAME: Explanation(
        why="Folders in the hub, queues, roles and stacks are named after the dataset, so no two may share a name, be"
        " they in one folder or in both.",
        file="push_datasets/orders_again.yaml",
        wrong="""\
name: orders   # as in push_datasets/orders.yaml
target_bucket: orders-inbox
users: [alpha_user_ben]
""",
        right="""\
name: orders_for_audit
target_bucket: orders-inbox
users: [alpha_user_ben]
""",
        whole=True,
        mend="Give one of the two another name, or merge the files.",
    ),
    Code.SAME_SLUG: Explanation(
        why="Buckets and stacks cannot have `_` in their names; it becomes `-`, and then the two are one.",
        file=PULL,
        wrong="name: or-ders   # there is also or_ders in push_datasets/more.yaml\n",
        mend="Give one of the two another name.",
    ),
    Code.OWN_TARGET: Explanation(
        why="A delivery into the hub would come round again, and one into another bucket of the estate would reach"
        " people whom no grant names.",
        file=PUSH,
        wrong="target_bucket: mojap-hub-exports\n",
        right="target_bucket: orders-landing\n",
        mend="Name the recipient's bucket.",
    ),
    Code.BAD_PULL_BUCKET: Explanation(
        why="The bucket is named `pull_bucket_prefix` + name, with `_` as `-`. That must be a bucket name of at most 63"
        " characters which is not the hub's or the log bucket's.",
        file=PULL,
        wrong="name: hub_exports   # mojap-hub-exports is the hub\n",
        right="name: tables\n",
        mend="Give the dataset another name.",
    ),
    Code.TOO_MANY: Explanation(
        why="Each push dataset is one notification rule of the hub, and S3 allows 100 for a bucket.",
        wrong="`push_datasets/` holds 101 datasets.",
        mend="Remove datasets that are no longer used, or begin a second estate in another account or region.",
    ),
    Code.NO_TARGET_ACCOUNT: Explanation(
        why="A bucket's name can pass to somebody else once its owner deletes it. With the account, S3 refuses to"
        " write to anybody else's bucket; without it, they would receive the files.",
        file=PUSH,
        wrong="""\
name: orders
target_bucket: orders-landing
users: [alpha_user_ana]
paperwork: DPIA-1
""",
        right="""\
name: orders
target_bucket: orders-landing
target_account: "754256621582"
users: [alpha_user_ana]
paperwork: DPIA-1
""",
        whole=True,
        mend="Ask the recipient for their account id, and add `target_account:`.",
        severity=WARNING,
    ),
    Code.OWN_ACCOUNT_TARGET: Explanation(
        why="Exports usually leave the platform's account. Here the file would only move within it.",
        file=PUSH,
        wrong='target_account: "593291632749"   # as platform.account\n',
        right='target_account: "754256621582"\n',
        mend="Check the account. If the bucket really is the platform's own, nothing need be done.",
        severity=WARNING,
    ),
    Code.USER_NOT_ALLOWED: Explanation(
        why="A dataset file can grant data only to roles that the platform lists, so that one reviewed line cannot"
        " open an administrator's or a service's role.",
        file=PUSH,
        wrong="users: [restricted-admin]\n",
        right="users: [alpha_user_ana]\n",
        mend="Correct the name (upper and lower case matter), or let the platform's `user_roles` take it in.",
    ),
    Code.TWICE: Explanation(
        why="Somebody else was probably meant, or one day only one of the two is removed.",
        file=PUSH,
        wrong="users: [alpha_user_ana, alpha_user_Ana]\n",
        right="users: [alpha_user_ana, alpha_user_ben]\n",
        mend="Keep one of the two.",
    ),
    Code.WILD_OUTSIDER: Explanation(
        why="It would let in everybody, or whoever names a role so that it fits.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::754256621582:role/*]\n",
        right="pull_arns: [arn:aws:iam::754256621582:role/reader]\n",
        mend="Write the full ARN of each role.",
    ),
    Code.WHOLE_ACCOUNT: Explanation(
        why="The other account then decides alone who reads the data, now and later.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::754256621582:root]\n",
        right="pull_arns: [arn:aws:iam::754256621582:role/reader]\n",
        mend="Name the roles, or list the account under `accounts` in exports.yaml; then this is a warning (EX508).",
    ),
    Code.USER_ARN: Explanation(
        why="An IAM user has access keys that do not run out and are easily copied.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::754256621582:user/loader]\n",
        right="pull_arns: [arn:aws:iam::754256621582:role/loader]\n",
        mend="Ask the recipient for a role to name instead.",
        severity=WARNING,
    ),
    Code.SSO_ROLE: Explanation(
        why="Single sign-on gives this role another name whenever it is set up again. The access then stops.",
        file=PULL,
        wrong="""\
pull_arns:
  - arn:aws:iam::754256621582:role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_reader_0123456789abcdef
""",
        right="pull_arns:\n  - arn:aws:iam::754256621582:role/reader\n",
        mend="Ask the recipient for a role of their own making.",
        severity=WARNING,
    ),
    Code.OWN_ACCOUNT_OUTSIDER: Explanation(
        why="The platform's own roles belong under `users`, where `user_roles` bounds them. Or the account is wrong.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::593291632749:role/reader]   # as platform.account\n",
        right="pull_arns: [arn:aws:iam::754256621582:role/reader]\n",
        mend="Check the account; list the platform's own roles under `users`. A role that `user_roles` allows is only"
        " warned of.",
    ),
    Code.LISTED_ACCOUNT: Explanation(
        why="The platform knows this account, but the account still decides alone who reads the data.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::318604275917:root]   # which exports.yaml lists under accounts\n",
        right="pull_arns: [arn:aws:iam::318604275917:role/reader]\n",
        mend="Name the roles that need it.",
        severity=WARNING,
    ),
    Code.SSO_PATH: Explanation(
        why="Roles of single sign-on (IAM Identity Center) have a path, which is part of their ARN. Without it the ARN"
        " names no role, and whoever was meant is refused. The ARNs of sessions (`assumed-role`) leave paths out.",
        file=PULL,
        wrong="pull_arns: [arn:aws:iam::754256621582:role/AWSReservedSSO_reader_0123456789abcdef]\n",
        right="""\
pull_arns:
  - arn:aws:iam::754256621582:role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_reader_0123456789abcdef
""",
        mend="Copy the ARN of the role from IAM, or put `aws-reserved/sso.amazonaws.com/` and the region of Identity"
        " Center before its name; with Identity Center in us-east-1 there is no region. Better: ask the recipient for a"
        " role of their own making (EX506).",
    ),
    Code.PROTECTED_USER: Explanation(
        why="A user is granted access by a policy of their role. Roles of single sign-on (`AWSReservedSSO_…`) and of"
        " services (`AWSServiceRoleFor…`) are changed by AWS alone, so the deployment would fail.",
        file=PUSH,
        wrong="users: [AWSReservedSSO_analyst_0123456789abcdef]   # which user_roles allows\n",
        right="users: [alpha_user_ana]\n",
        mend="Name a role of the platform's own that these people, or this service, can assume.",
    ),
    Code.NO_PAPERWORK: Explanation(
        why="Assurers ask on what paperwork data leaves. A placeholder such as `TBD` or `link to your DPIA` is none,"
        " whatever letters it is written in, and neither is the bare kind (`DPIA`).",
        file=PUSH,
        wrong="paperwork: OneTrust TBD\n",
        right="paperwork: https://example.gov.uk/dpia/1042\n",
        mend="Write the link or reference of the impact assessment or sharing agreement, or words that say which.",
        severity=WARNING,
        severity_note="an error where the platform says `paperwork: required`",
    ),
    Code.EXPIRED: Explanation(
        why="The day has passed: IAM refuses everybody, so the file declares an access that nobody has.",
        file=PUSH,
        wrong="expires: 2025-03-31\n",
        right="expires: 2035-03-31\n",
        mend="Remove the file, or agree on a new date with whoever signed the paperwork.",
        severity=WARNING,
    ),
    Code.EXPIRES_SOON: Explanation(
        why="Within 30 days IAM will refuse everybody, and deliveries stop.",
        file=PUSH,
        wrong="expires: 2031-01-31   # and today is 15 January 2031\n",
        right="expires: 2035-03-31\n",
        mend="Agree on a new date, or let it end.",
        severity=WARNING,
    ),
    Code.BAD_TEXT: Explanation(
        why="Control characters can rewrite a reviewer's terminal, direction marks mislead the eye, and a very long"
        " text belongs into a document.",
        file=PUSH,
        wrong='owner: "Ana\\u202e"\n',
        right="owner: Ana\n",
        mend="Remove the character; write one line where one is meant.",
    ),
    Code.ROLE_POLICIES_TOO_LARGE: Explanation(
        why="IAM holds 10,240 characters of inline policies for a role. Beyond that the deployment would fail.",
        wrong="Some thirty datasets name the same user.",
        mend="Share the datasets out over more than one role, such as one for each application.",
    ),
    Code.BUCKET_POLICY_TOO_LARGE: Explanation(
        why="S3 holds 20,480 bytes of policy for a bucket. Beyond that the deployment would fail.",
        wrong="A pull dataset names several hundred outside roles.",
        mend="Let each organisation use one role of its own.",
    ),
    Code.NO_SUCH_ROLE: Explanation(
        why="There is nobody to grant to. `deploy` leaves this user out and lists them; everything else is deployed.",
        wrong="`users: [alpha_user_annna]`, and the account has no such role.",
        mend="Correct the name (AWS's own spelling is in the hint where there is a near one), or wait until the role"
        " exists and deploy again.",
    ),
    Code.NO_SUCH_BUCKET: Explanation(
        why="Deliveries would fail; and whoever makes a bucket of this name would be who they are sent to, unless"
        " `target_account` says otherwise.",
        wrong="`target_bucket: orders-landng`, and S3 knows no such bucket.",
        mend="Correct the name, or ask the recipient to make the bucket.",
    ),
    Code.OTHER_OWNER: Explanation(
        why="The bucket belongs to another account than `target_account` says: nothing would be delivered, and the name"
        " may have passed to somebody else.",
        wrong="`target_account` names account A, and S3 refuses it as the owner of the bucket.",
        mend="Ask the recipient which bucket and which account are theirs. Never correct the account without asking.",
    ),
    Code.NOT_TOLD: Explanation(
        why="AWS shows a bucket's owner only to those who may list the bucket, and roles only to those who may read"
        " them. What is not told is unknown, which is neither right nor wrong.",
        wrong="The recipient's bucket exists, and S3 answers `403 Forbidden` to whoever runs `check --live`.",
        mend="Nothing need be changed. The mover names `target_account` with each delivery, so a wrong owner receives"
        " nothing; once deployed, `exports probe` shows whether the two fit.",
        severity=WARNING,
    ),
}


def explain(code: Code) -> str:
    """The section of one code, as Markdown."""
    about = EXPLAINED[code]
    note = f"; {about.severity_note}" if about.severity_note else ""
    parts = [f"### {code}: {code.meaning}", f"*{about.severity}{note}.* {about.why}", *_example(about)]
    parts.append(f"**Mend:** {about.mend}")
    if about.right:
        parts.append(f"```yaml\n{about.right}```")
    return "\n\n".join(parts) + "\n"


def _example(about: Explanation) -> list[str]:
    return [f"```yaml\n# {about.file}\n{about.wrong}```"] if about.file else [about.wrong]


def findings_page() -> str:
    """The page of all codes, as Markdown."""
    parts = [HEADING]
    for start, title in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [explain(code) for code in Code if code.startswith(start)]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(findings_page())
