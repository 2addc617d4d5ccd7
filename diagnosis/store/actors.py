"""Who asks: a name and a role."""

from dataclasses import dataclass
from enum import StrEnum
from typing import final


class Role(StrEnum):
    """What a person is allowed, from least to most; see the dashboard's table of permissions."""

    VIEWER = "viewer"
    READER = "reader"
    ADMIN = "admin"


@final
@dataclass(frozen=True)
class Actor:
    """A person, or a program run by one, as the audit trail names them.

    Attributes:
        name: from the login provider, or the account of this machine.
        role: in which they act.
    """

    name: str
    role: Role
