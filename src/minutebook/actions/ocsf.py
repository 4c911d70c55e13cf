"""What an action is in the words of OCSF, the Open Cybersecurity Schema Framework: its class and its activity.

Every action declares one (`ocsf=` of `@action`); `deliver/formats/ocsf.py` makes the events.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "1.7.0"
"""Of the schema that the classes and activities below are taken from."""
OTHER = 99
"""The id of an activity for which OCSF has no word; its name is ours."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of OCSF events, and the category that it is in."""

    uid: int
    name: str
    category_uid: int
    category_name: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What is done, within the class of events that tells of it."""

    kind: Kind
    id: int
    name: str

    @property
    def type_uid(self) -> int:
        return self.kind.uid * 100 + self.id


IDENTITY = (3, "Identity & Access Management")
ACCOUNT_CHANGE = Kind(3001, "Account Change", *IDENTITY)
AUTHENTICATION = Kind(3002, "Authentication", *IDENTITY)
ENTITY_MANAGEMENT = Kind(3004, "Entity Management", *IDENTITY)
USER_ACCESS = Kind(3005, "User Access Management", *IDENTITY)
GROUP_MANAGEMENT = Kind(3006, "Group Management", *IDENTITY)
API_ACTIVITY = Kind(6003, "API Activity", 6, "Application Activity")

UPDATE_ACCOUNT = Activity(ACCOUNT_CHANGE, OTHER, "Update profile")
PASSWORD_CHANGE = Activity(ACCOUNT_CHANGE, 3, "Password Change")
PASSWORD_RESET = Activity(ACCOUNT_CHANGE, 4, "Password Reset")
ADD_FACTOR = Activity(ACCOUNT_CHANGE, 10, "MFA Factor Enable")
REMOVE_FACTOR = Activity(ACCOUNT_CHANGE, 11, "MFA Factor Disable")
MAKE_RECOVERY_CODES = Activity(ACCOUNT_CHANGE, OTHER, "Make recovery codes")
USE_RECOVERY_CODE = Activity(ACCOUNT_CHANGE, OTHER, "Use recovery code")
DELETE_ACCOUNT = Activity(ACCOUNT_CHANGE, 6, "Delete")
INVITE = Activity(ACCOUNT_CHANGE, OTHER, "Invite")
RESEND_INVITATION = Activity(ACCOUNT_CHANGE, OTHER, "Resend invitation")
REVOKE_INVITATION = Activity(ACCOUNT_CHANGE, OTHER, "Revoke invitation")
LOGON = Activity(AUTHENTICATION, 1, "Logon")
LOGOFF = Activity(AUTHENTICATION, 2, "Logoff")
END_SESSIONS = Activity(AUTHENTICATION, OTHER, "End sessions")
CREATE = Activity(ENTITY_MANAGEMENT, 1, "Create")
UPDATE = Activity(ENTITY_MANAGEMENT, 3, "Update")
DELETE = Activity(ENTITY_MANAGEMENT, 4, "Delete")
ASSIGN_ROLE = Activity(USER_ACCESS, 1, "Assign Privileges")
"""For actions whose details have a `role`: it becomes the privilege."""
ADD_MEMBER = Activity(GROUP_MANAGEMENT, 3, "Add User")
REMOVE_MEMBER = Activity(GROUP_MANAGEMENT, 4, "Remove User")
READ = Activity(API_ACTIVITY, 2, "Read")
REFUSE = Activity(API_ACTIVITY, OTHER, "Refuse access")
UNKNOWN = Activity(API_ACTIVITY, OTHER, "Recorded by another version")
"""For an action that this version of Minutebook does not know."""
