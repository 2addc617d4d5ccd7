"""Who is there: the user of this machine, or whoever a login provider vouches for; and for how long."""

import os
import pwd
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

import streamlit as st

from clinician_ui.archive import open_archive
from clinician_ui.permissions import (
    AccessRules,
    Permission,
    Visitor,
    access_rules,
    is_expired,
    local_visitor,
)
from diagnosis import settings
from diagnosis.errors import AccessError
from diagnosis.store.audit import Action, note_event
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

CHECK_EVERY = "20s"
"""How often an idle page looks whether its time is over."""
NO_PROVIDER = (
    "This dashboard is bound to an address that other machines can reach, but no login provider is configured. It "
    "shows nothing. Bind it to 127.0.0.1, or start it with `diagnosis ui --login FILE`."
)
NO_ROLE = "Your login has no role here. Ask for one of the groups that this dashboard knows."
_SESSION = "session"
_LAST_SEEN: dict[str, datetime] = {}
_LOCK = threading.Lock()


@final
@dataclass(frozen=True)
class _Session:
    """Who was let in, by which login, under which rules."""

    visitor: Visitor
    key: str
    rules: AccessRules


def admit() -> Visitor | None:
    """The visitor, or None after showing why nobody is let in. Counts as a sign of life.

    Raises:
        ConfigurationError: the `[access]` section cannot be used.
        StoreError: the login cannot be written to the trail.
    """
    if not has_provider():
        if not settings.is_loopback(st.get_option("server.address")):
            st.error(NO_PROVIDER)
            return None
        return current_visitor()
    if not st.user.is_logged_in:
        _render_login()
        return None
    return _logged_in(access_rules(_section("access")))


def current_visitor() -> Visitor:
    """The visitor whom `admit` let in; without a provider, the user of this machine. Counts as a sign of life.

    Raises:
        AccessError: nobody was let in, or their time is over.
    """
    if not has_provider():
        return local_visitor(_account())
    session = st.session_state.get(_SESSION)
    if not isinstance(session, _Session):
        msg = "access: nobody is logged in; log in first"
        raise AccessError(msg)
    # Asked again here: a part of a page can be used without the page being drawn anew.
    if not _is_alive(session.key, session.rules, touch=True):
        msg = "access: the session has ended; log in again"
        raise AccessError(msg)
    return session.visitor


def _account() -> str:
    """Name of the user who runs the server; in a container they may have a number alone."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def may(permission: Permission) -> bool:
    """Whether the visitor has a permission."""
    return current_visitor().may(permission)


def require(permission: Permission) -> None:
    """Stop whoever lacks a permission; the attempt goes into the trail.

    Raises:
        AccessError: the visitor lacks it.
    """
    visitor = current_visitor()
    if not visitor.may(permission):
        note_event(open_archive(), visitor.actor, Action.REFUSED, "", {"permission": permission.value})
        msg = f"access: your role does not allow to {permission}; ask for a role that does"
        raise AccessError(msg)


def has_provider() -> bool:
    """Whether a login provider is configured."""
    return _section("auth") is not None


def _logged_in(rules: AccessRules) -> Visitor | None:
    claims = st.user.to_dict()
    key, issued = _login_key(claims), _issued_at(claims)
    with _LOCK:
        is_new = key not in _LAST_SEEN
        # After a restart of the server the login itself is the last known sign of life.
        _LAST_SEEN.setdefault(key, issued or datetime.now(UTC))
    if not _is_alive(key, rules, touch=True):
        with _LOCK:
            _LAST_SEEN.pop(key, None)
        st.session_state.clear()
        st.logout()
        return None
    visitor = rules.visitor(claims)
    if visitor is None:
        st.error(NO_ROLE)
        if st.button("Log out"):
            st.logout()
        return None
    st.session_state[_SESSION] = _Session(visitor, key, rules)
    if is_new:
        note_event(open_archive(), visitor.actor, Action.LOGIN)
    _watch(key, rules)
    return visitor


@st.fragment(run_every=CHECK_EVERY)
def _watch(key: str, rules: AccessRules) -> None:
    """Draws nothing; ends the session of a page that nobody has touched for too long."""
    if not _is_alive(key, rules, touch=False):
        st.rerun()


def _is_alive(key: str, rules: AccessRules, *, touch: bool) -> bool:
    """Whether the visitor of a login has done something recently; a touch is something."""
    now = datetime.now(UTC)
    with _LOCK:
        last = _LAST_SEEN.get(key)
        is_alive = last is not None and not is_expired(rules, last, now)
        if is_alive and touch:
            _LAST_SEEN[key] = now
    return is_alive


def render_who(visitor: Visitor) -> None:
    """Name and role, and the way out."""
    if not has_provider():
        return
    line = st.container(horizontal=True, vertical_alignment="center")
    line.caption(f"{visitor.name} · {', '.join(sorted(visitor.roles))}")
    if line.button("Log out", key="log-out", type="tertiary"):
        with _LOCK:
            _LAST_SEEN.pop(_login_key(st.user.to_dict()), None)
        st.session_state.clear()
        st.logout()


def _render_login() -> None:
    _, middle, _ = st.columns([1, 1.3, 1])
    with middle, st.container(border=True, key="login"):
        st.title("Diagnosis", anchor=False)
        st.write("Decision support for CT. Cases are shown to people with a login only.")
        if st.button("Log in", type="primary", key="log-in", shortcut="L", width="stretch"):
            st.login()
        st.caption("The login page of your organization opens, and leads back here.")
        st.caption(NOT_A_MEDICAL_DEVICE)


def _login_key(claims: Mapping[str, Any]) -> str:
    """One login of one person: a new login starts a new time."""
    return "\n".join(str(claims.get(name, "")) for name in ("iss", "sub", "iat", "nonce"))


def _issued_at(claims: Mapping[str, Any]) -> datetime | None:
    issued = claims.get("iat")
    return datetime.fromtimestamp(issued, UTC) if isinstance(issued, int | float) else None


def _section(name: str) -> Mapping[str, Any] | None:
    try:
        return st.secrets.get(name)
    except FileNotFoundError:  # Streamlit's way of saying that there is no such file
        return None
