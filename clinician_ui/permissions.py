"""Who may do what: a table, and the rules by which a login becomes a role (pure).

================  ======  ======  =====
permission        viewer  reader  admin
================  ======  ======  =====
see the worklist  yes     yes     yes
see a case        yes     yes     yes
see the model     yes     yes     yes
assess            no      yes     yes
explain           no      yes     yes
edit inputs       no      yes     yes
review            no      yes     no
write a report    no      yes     yes
sign a report     no      yes     no
import            no      yes     yes
export            no      yes     yes
see the trail     no      no      yes
================  ======  ======  =====

An administrator of the dashboard is not a clinician by that alone, and so does not review or sign; a person who is
both has both roles' groups, and acts as the local user of a machine does: with every permission.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, final

from diagnosis.errors import ConfigurationError
from diagnosis.store.actors import Actor, Role


class Permission(StrEnum):
    """What can be allowed or not."""

    SEE_WORKLIST = "see the worklist"
    SEE_CASE = "see a case"
    SEE_MODEL = "see the model"
    ASSESS = "assess"
    EXPLAIN = "explain"
    EDIT = "edit inputs"
    REVIEW = "review"
    WRITE_REPORT = "write a report"
    SIGN_REPORT = "sign a report"
    IMPORT = "import"
    EXPORT = "export"
    SEE_TRAIL = "see the trail"


_LOOKS = frozenset({Permission.SEE_WORKLIST, Permission.SEE_CASE, Permission.SEE_MODEL})
_WORKS = frozenset(
    {
        Permission.ASSESS,
        Permission.EXPLAIN,
        Permission.EDIT,
        Permission.WRITE_REPORT,
        Permission.IMPORT,
        Permission.EXPORT,
    }
)
TABLE: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOKS,
    Role.READER: _LOOKS | _WORKS | {Permission.REVIEW, Permission.SIGN_REPORT},
    Role.ADMIN: _LOOKS | _WORKS | {Permission.SEE_TRAIL},
}
ROLES = tuple(Role)
IDLE_MINUTES = 30.0
_KEYS = {"claim", "idle_minutes", *ROLES}


@final
@dataclass(frozen=True)
class Visitor:
    """Who uses the dashboard now.

    Attributes:
        name: as the audit trail has it.
        roles: all that they have; at least one.
    """

    name: str
    roles: frozenset[Role]

    @property
    def actor(self) -> Actor:
        """As the audit trail has them: under the highest of their roles."""
        return Actor(self.name, max(self.roles, key=ROLES.index))

    def may(self, permission: Permission) -> bool:
        """Whether one of their roles has a permission."""
        return any(permission in TABLE[role] for role in self.roles)


def local_visitor(account: str) -> Visitor:
    """The user of this machine, where no login provider is configured: with every role."""
    return Visitor(account, frozenset(Role))


@final
@dataclass(frozen=True)
class AccessRules:
    """How a login becomes a visitor.

    Attributes:
        claim: of the login's token that lists groups or roles.
        groups: for each role the values of the claim that give it.
        idle: how long a visitor may do nothing before they must log in again.
    """

    claim: str = "groups"
    groups: Mapping[Role, frozenset[str]] = ()  # type: ignore[assignment] # replaced on construction
    idle: timedelta = timedelta(minutes=IDLE_MINUTES)

    def __post_init__(self) -> None:
        given = dict(self.groups)
        object.__setattr__(self, "groups", {role: frozenset(given.get(role, {role.value})) for role in Role})

    def visitor(self, claims: Mapping[str, Any]) -> Visitor | None:
        """The visitor whom a provider's claims describe; None where no claim gives a role."""
        found = claims.get(self.claim)
        values = {found} if isinstance(found, str) else set(_texts(found))
        roles = frozenset(role for role in Role if values & self.groups[role])
        name = next((str(claims[k]) for k in ("preferred_username", "email", "sub") if claims.get(k)), "")
        return Visitor(name[:128], roles) if roles and name else None


def access_rules(section: Mapping[str, Any] | None) -> AccessRules:
    """Rules from the `[access]` section of the login file; the roles' own names are the groups where it is silent.

    Raises:
        ConfigurationError: an unknown key, or a value of the wrong kind.
    """
    section = dict(section or {})
    if unknown := sorted(set(section) - _KEYS):
        msg = f"login: [access] has the unknown key {unknown[0]}; known are {', '.join(sorted(_KEYS))}"
        raise ConfigurationError(msg)
    minutes = section.get("idle_minutes", IDLE_MINUTES)
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 24 * 60:
        msg = "login: idle_minutes in [access] is not a number from 0 to 1440; give the minutes of an idle session"
        raise ConfigurationError(msg)
    groups = {}
    for role in Role:
        named = section.get(role.value)
        if named is None:
            continue
        if isinstance(named, str) or not isinstance(named, Iterable) or len(list(_texts(named))) != len(list(named)):
            msg = f"login: {role.value} in [access] is not a list of texts; list the groups that have this role"
            raise ConfigurationError(msg)
        groups[role] = frozenset(_texts(named))
    return AccessRules(str(section.get("claim", "groups")), groups, timedelta(minutes=float(minutes)))


def is_expired(rules: AccessRules, last_seen: datetime, now: datetime) -> bool:
    """Whether a visitor has done nothing for too long; a clock that ran backward does not let anybody stay."""
    return not timedelta(minutes=-5) <= now - last_seen < rules.idle


def _texts(values: object) -> Iterable[str]:
    return (v for v in values if isinstance(v, str)) if isinstance(values, Iterable) else ()
