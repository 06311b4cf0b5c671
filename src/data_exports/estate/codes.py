"""The codes of findings, with what each means: permanent, so that people can search for one and CI can count one.

EX1xx the file · EX2xx its fields and values · EX3xx the platform · EX4xx names and buckets · EX5xx people ·
EX6xx paperwork, ends and texts · EX7xx sizes · EX8xx what AWS says · EX9xx reviews of access. A code is never given a
second meaning; each is explained in `explanations.toml`.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """One kind of mistake; its value is the code, `meaning` what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """The code, which is the member's value, and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    UNREADABLE = "EX101", "a file or folder cannot be read"
    LINK = "EX102", "a symbolic link or a submodule stands for a file or folder"
    TOO_LARGE = "EX103", "a declaration is too large"
    NOT_UTF8 = "EX104", "a file is not UTF-8 text"
    NOT_YAML = "EX105", "a file is not valid YAML"
    EMPTY = "EX106", "a file declares nothing"
    TWO_DOCUMENTS = "EX107", "a file holds more than one YAML document"
    DUPLICATE_KEY = "EX108", "a key stands twice in one mapping"
    YAML_TRICK = "EX109", "an anchor, alias, merge key or tag is used"
    TOO_DEEP = "EX110", "values are nested too deeply"
    NOT_COUNTED = "EX111", "a file or folder is not read as a declaration"
    NO_DATASETS = "EX112", "a folder of datasets is not there"
    SAME_FILE_NAME = "EX113", "names of two files differ in upper and lower case only"
    HIDDEN_TEXT = "EX114", "a file holds a character that cannot be seen"

    WRONG_SHAPE = "EX201", "a value has the wrong shape: text, list or mapping"
    UNKNOWN_FIELD = "EX202", "a field is not known"
    MISSING_FIELD = "EX203", "a required field is missing"
    NO_VALUE = "EX204", "a field has no value"
    BAD_NAME = "EX205", "a name, id or ARN is not one"
    BAD_BOOLEAN = "EX206", "a value is neither true nor false"
    BAD_NUMBER = "EX207", "a number is not one, or out of range"
    BAD_DATE = "EX208", "a date is not a real one"
    BAD_CHOICE = "EX209", "a value is not one of those allowed"
    BOTH_SPELLINGS = "EX210", "both spellings of one field are used"
    IGNORED_FIELD = "EX211", "a field has no effect here"
    READ_OTHERWISE = "EX212", "a text without quotes is something else for other readers of YAML"
    CUT_TEXT = "EX213", "YAML ends a text at a #"
    BAD_PROMISE = "EX214", "a promise of deliveries is not one"
    BAD_SSH_KEY = "EX215", "an SSH key is not one, or not one that can be let in"
    BAD_ISSUER = "EX216", "an issuer of tokens is not one"
    SECRET = "EX217", "a file holds a secret"

    WIDE_ROLE_PATTERN = "EX301", "a pattern of user roles allows any role"
    BAD_TAG = "EX302", "a tag breaks AWS's rules"
    BAD_EMAIL = "EX303", "an e-mail address is not one"
    NO_ALERTS = "EX304", "nobody is told of failures"
    LONG_HUB = "EX305", "the name of the log bucket would be too long"
    SAME_ACCOUNT_NAME = "EX306", "two accounts have one name"
    OTHER_ACCOUNT_IN_NAME = "EX307", "an account's name holds the id of another"
    NO_CONTACT = "EX308", "recipients are told nobody to turn to"

    SAME_NAME = "EX401", "two datasets have one name"
    SAME_SLUG = "EX402", "two names are one once _ becomes -"
    OWN_TARGET = "EX403", "a bucket of this estate is the target of a push dataset, or the witness of the evidence"
    BAD_PULL_BUCKET = "EX404", "a pull dataset's bucket cannot have its name"
    TOO_MANY = "EX405", "there are more push datasets than one bucket can notify"
    NO_TARGET_ACCOUNT = "EX406", "the account of the target bucket is not named"
    OWN_ACCOUNT_TARGET = "EX407", "the recipient is the platform's own account"
    TWO_TARGETS = "EX408", "a push dataset has more than one destination"
    OTHER_KIND = "EX409", "a field is of another kind of destination"
    SHARED_IDENTITY = "EX410", "several datasets' movers act as one identity of a recipient's"

    USER_NOT_ALLOWED = "EX501", "a user is outside the platform's user_roles"
    TWICE = "EX502", "something is listed twice"
    WILD_OUTSIDER = "EX503", "an outsider is everybody or a pattern"
    WHOLE_ACCOUNT = "EX504", "an outsider is a whole account that the platform does not list"
    USER_ARN = "EX505", "an outsider is an IAM user"
    SSO_ROLE = "EX506", "an outsider is a role that single sign-on may rename"
    OWN_ACCOUNT_OUTSIDER = "EX507", "an outsider is of the platform's own account"
    LISTED_ACCOUNT = "EX508", "an outsider is a whole account, which the platform lists"
    SSO_PATH = "EX509", "a role of single sign-on stands without its path"
    PROTECTED_USER = "EX510", "a user's role is one that AWS lets nobody change"
    SFTP_NAME_TAKEN = "EX511", "two readers by SFTP have one name"
    SFTP_KEY_TAKEN = "EX512", "one SSH key stands twice"
    NO_SFTP = "EX513", "a dataset has readers by SFTP, and the platform has no SFTP"
    OTHER_ISSUER = "EX514", "an issuer of tokens is not to be declared by its address"

    NO_PAPERWORK = "EX601", "no paperwork is named"
    EXPIRED = "EX602", "the access has ended"
    EXPIRES_SOON = "EX603", "the access ends within 30 days"
    BAD_TEXT = "EX604", "a text is too long or holds characters that cannot be seen"
    SKIPPED_TIME = "EX605", "a delivery is due at a time that a change of clocks leaves out"

    ROLE_POLICIES_TOO_LARGE = "EX701", "a user's role would carry larger policies than IAM allows"
    BUCKET_POLICY_TOO_LARGE = "EX702", "a bucket's policy would be larger than S3 allows"
    TOO_MANY_AUDIENCES = "EX703", "tokens of one issuer would be for more audiences than IAM takes"
    CROWDED_DOOR = "EX704", "more movers would come in by one application or provider than it can let in"

    NO_SUCH_ROLE = "EX801", "a user's role does not exist"
    NO_SUCH_BUCKET = "EX802", "a target bucket does not exist"
    OTHER_OWNER = "EX803", "a target bucket belongs to another account than the one named"
    NOT_TOLD = "EX804", "AWS does not tell whether a name is right"
    OTHER_EVIDENCE_KEY = "EX805", "the key that signs the evidence is not one that the estate keeps"
    NO_FEDERATION = "EX806", "the account does not let movers prove who they are outside AWS"

    NOT_REVIEWED = "EX901", "nobody has reviewed accesses for longer than the platform says"
    REVIEW_OVERDUE = "EX902", "the day by which a review was due has passed"
    NOT_CARRIED_OUT = "EX903", "what a review decided was not carried out"
    ACCESS_CHANGED = "EX904", "accesses have changed since a review looked at them"
    BAD_DECISION = "EX905", "a decision of a review is none, is not whole, or does not fit the others"
    CLOSED_REVIEW_CHANGED = "EX906", "a review was changed after it was closed"


CODES = {str(code): code for code in Code}
"""Each code by its text."""
