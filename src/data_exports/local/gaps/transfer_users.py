"""Transfer Family: the users of a server, their keys, and the session of the role that each works with.

In: what the emulator keeps of servers and users. Out: users, and clients of S3 with the rights of a user's role.
Effects: a session of the role for each connection, known to STS as long as the connection lasts, and lines in
CloudWatch Logs.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs, iam, sts, transfer

from data_exports.local.gaps.rights import policy_lets_service

SERVICE = "transfer.amazonaws.com"
_LONGEST_SESSION_NAME = 64


@dataclass(frozen=True)
class TransferServer:
    """A server by its account, region and id; what it is set to is looked up each time, because it changes."""

    account: str
    region: str
    server_id: str

    @property
    def record(self) -> Mapping[str, Any]:
        """The server as the emulator keeps it; nothing when it is gone."""
        return transfer._servers.get_scoped(self.account, self.region, self.server_id) or {}

    def user(self, name: str) -> Mapping[str, Any] | None:
        """A user of this server as the emulator keeps it."""
        found: Mapping[str, Any] | None = transfer._users.get_scoped(
            self.account, self.region, transfer._user_key(self.server_id, name)
        )
        return found

    def write_log(self, stream: str, activity: str, **fields: str) -> None:
        """Leave a line in the log groups that the server names, where they exist.

        https://docs.aws.amazon.com/transfer/latest/userguide/cw-structure-logs.html
        """
        line = json.dumps({**fields, "activity-type": activity, "resource-arn": self.record.get("Arn", "")})
        event = {"timestamp": int(time.time() * 1000), "message": line}
        for arn in self.record.get("StructuredLogDestinations", ()):
            place = {"logGroupName": arn.split(":")[6], "logStreamName": stream}
            with request_scope(self.account, self.region):
                cloudwatch_logs._create_log_stream(place)
                cloudwatch_logs._put_log_events({**place, "logEvents": [event]})


def role_lets_in(user: Mapping[str, Any]) -> bool:
    """Whether the role of a user trusts Transfer Family, which names the user as the source.

    https://docs.aws.amazon.com/transfer/latest/userguide/confused-deputy.html
    """
    arn, account = user["Role"], user["Arn"].split(":")[4]
    role = iam._roles.get_scoped(arn.split(":")[4], None, arn.rsplit("/", 1)[-1])
    return (
        role is not None
        and role["Arn"] == arn
        and policy_lets_service(
            role["AssumeRolePolicyDocument"],
            SERVICE,
            "sts:AssumeRole",
            arn,
            source_arn=user["Arn"],
            source_account=account,
        )
    )


@dataclass(frozen=True)
class UserSession:
    """A user who is connected, as the user was then, with the credentials of its role."""

    server: TransferServer
    user: Mapping[str, Any]
    session_id: str = field(default_factory=lambda: secrets.token_hex(8))
    access_key_id: str = field(default_factory=iam._gen_session_access_key)
    _secret: str = field(default_factory=iam._gen_secret, repr=False)
    _token: str = field(default_factory=iam._gen_session_token, repr=False)

    @property
    def name(self) -> str:
        """The session's name, by which S3's access logs tell who it was.

        https://docs.aws.amazon.com/transfer/latest/userguide/cloudwatch-events.html
        """
        end = f".{self.session_id}@{self.server.server_id}"
        return f"{self.user['UserName'][: _LONGEST_SESSION_NAME - len(end)]}{end}"

    def start(self) -> None:
        """Let STS know the session, narrowed by the user's own policy if it has one.

        https://docs.aws.amazon.com/transfer/latest/userguide/users-policies-session.html
        """
        role = self.user["Role"]
        arn, _ = sts._assumed_role_arn(role, self.name)
        policy = self._policy()
        known = {
            "Arn": arn,
            "UserId": f"{sts._role_id(role)}:{self.name}",
            "SecretAccessKey": self._secret,
            "SessionToken": self._token,
            "AccountId": role.split(":")[4],
            "PrincipalType": "AssumedRole",
            "SessionPolicies": {"Policy": policy, "PolicyArns": []} if policy else None,
        }
        sts.register_session(self.access_key_id, known)

    def stop(self) -> None:
        """Let STS forget the session."""
        sts._sessions.pop(self.access_key_id, None)

    def s3(self) -> Any:
        """A client of S3 with the rights of the session."""
        from data_exports.aws import aws_with_keys

        return aws_with_keys(
            self.server.region,
            endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
            access_key_id=self.access_key_id,
            secret_access_key=self._secret,
            session_token=self._token,
        ).client("s3")

    def write_log(self, activity: str, **fields: str) -> None:
        """Leave a line of this session in the server's log."""
        stream = f"{self.user['UserName']}.{self.session_id}"
        self.server.write_log(stream, activity, **fields, **{"session-id": self.session_id})

    def _policy(self) -> str:
        bucket, _, folder = (self.user.get("HomeDirectory") or "").strip("/").partition("/")
        text: str = self.user.get("Policy") or ""
        for name, value in {
            "HomeBucket": bucket,
            "HomeDirectory": f"{bucket}/{folder}".rstrip("/"),
            "HomeFolder": folder,
            "UserName": self.user["UserName"],
        }.items():
            text = text.replace(f"${{transfer:{name}}}", value).replace(f"${{Transfer:{name}}}", value)
        return text
