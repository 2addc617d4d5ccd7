"""Who may do what, cell by cell; how a login becomes a role; and that nobody else is shown anything."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from dashboard_browser import free_port, wait_for
from dashboard_records import html_of
from streamlit import config
from streamlit.testing.v1 import AppTest

from clinician_ui import access
from clinician_ui.access import NO_PROVIDER, NO_ROLE, current_visitor
from clinician_ui.archive import open_archive
from clinician_ui.permissions import TABLE, Permission, Visitor, access_rules, is_expired, local_visitor
from diagnosis.errors import ConfigurationError
from diagnosis.settings import is_loopback
from diagnosis.store.actors import Role
from diagnosis.store.audit import read_events

YES = {
    #                          viewer reader admin
    Permission.SEE_WORKLIST: (True, True, True),
    Permission.SEE_CASE: (True, True, True),
    Permission.SEE_MODEL: (True, True, True),
    Permission.ASSESS: (False, True, True),
    Permission.EXPLAIN: (False, True, True),
    Permission.EDIT: (False, True, True),
    Permission.REVIEW: (False, True, False),
    Permission.WRITE_REPORT: (False, True, True),
    Permission.SIGN_REPORT: (False, True, False),
    Permission.IMPORT: (False, True, True),
    Permission.EXPORT: (False, True, True),
    Permission.SEE_TRAIL: (False, False, True),
}
AUTH = {
    "redirect_uri": "http://127.0.0.1:8501/oauth2callback",
    "cookie_secret": "a secret of at least thirty-two signs",
    "client_id": "dashboard",
    "client_secret": "secret",
    "server_metadata_url": "http://127.0.0.1:1/.well-known/openid-configuration",
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize(("place", "role"), list(enumerate((Role.VIEWER, Role.READER, Role.ADMIN))))
def test_every_cell_of_the_table(permission, place, role):
    assert Visitor("v", frozenset({role})).may(permission) is YES[permission][place]


def test_the_table_knows_every_role_and_the_manual_shows_it():
    from clinician_ui import permissions

    assert set(TABLE) == set(Role)
    words = {True: "yes", False: "no"}
    for permission, cells in YES.items():
        row = " ".join([permission.value, *(words[cell] for cell in cells)])
        assert row in " ".join(permissions.__doc__.split())


def test_roles_add_up_and_the_local_user_has_all():
    assert all(local_visitor("me").may(permission) for permission in Permission)
    both = Visitor("v", frozenset({Role.READER, Role.ADMIN}))
    assert both.may(Permission.REVIEW)
    assert both.may(Permission.SEE_TRAIL)
    assert both.actor.role is Role.ADMIN


def test_a_user_with_a_number_alone_has_a_name_in_the_trail(monkeypatch):
    """As in a container that is run under a number of its own."""
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert current_visitor().name == "user 2147483641"


def test_a_claim_becomes_a_role():
    rules = access_rules({"claim": "roles", "reader": ["radiologists", "fellows"], "admin": ["it"]})
    assert rules.visitor({"sub": "7", "roles": ["fellows", "chess"]}) == Visitor("7", frozenset({Role.READER}))
    assert rules.visitor({"sub": "7", "email": "a@b", "roles": "it"}) == Visitor("a@b", frozenset({Role.ADMIN}))
    assert rules.visitor({"sub": "7", "roles": ["viewer"]}).roles == {Role.VIEWER}
    for claims in ({"sub": "7"}, {"sub": "7", "roles": []}, {"sub": "7", "roles": [["it"]]}, {"roles": ["it"]}):
        assert rules.visitor(claims) is None
    assert access_rules(None).visitor({"sub": "7", "groups": ["reader"]}).roles == {Role.READER}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"readers": ["a"]}, "unknown key readers"),
        ({"reader": "a"}, "reader in .access. is not a list of texts"),
        ({"reader": [1]}, "reader in .access. is not a list of texts"),
        ({"idle_minutes": 0}, "not a number from 0 to 1440"),
        ({"idle_minutes": "5"}, "not a number from 0 to 1440"),
        ({"idle_minutes": True}, "not a number from 0 to 1440"),
    ],
)
def test_rules_that_cannot_be_used(section, message):
    with pytest.raises(ConfigurationError, match=message):
        access_rules(section)


def test_time_runs_out():
    rules = access_rules({"idle_minutes": 10})
    assert not is_expired(rules, NOW, NOW + timedelta(minutes=9))
    assert is_expired(rules, NOW, NOW + timedelta(minutes=10))
    assert not is_expired(rules, NOW, NOW - timedelta(seconds=30))
    assert is_expired(rules, NOW, NOW - timedelta(hours=1))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.0.1"])
def test_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "10.0.0.4", "example.org", "localhost.example.org"])
def test_not_loopback(address):
    assert not is_loopback(address)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.4", "hospital.example"])
def test_other_addresses_need_a_provider(host):
    command = [sys.executable, "-m", "diagnosis", "ui", "--host", host, "--headless"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 12
    assert "without a login provider it is served on the loopback address only" in found.stderr


def test_a_login_file_is_checked_before_the_server_starts(tmp_path):
    (tmp_path / "login.toml").write_text('[auth]\nclient_id = "x"\n')
    command = [sys.executable, "-m", "diagnosis", "ui", "--login", str(tmp_path / "login.toml"), "--headless"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 12
    assert "[auth] lacks redirect_uri, cookie_secret, client_secret" in found.stderr
    (tmp_path / "login.toml").write_text("[auth")
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 12
    assert "cannot be read as TOML" in found.stderr


def test_folders_are_looked_for_before_the_server_starts(tmp_path):
    for options, code, words in (
        ([str(tmp_path / "missing")], 8, "cases: there is no such folder"),
        (["--bundle", str(tmp_path)], 11, "checksums.json cannot be read"),
    ):
        command = [sys.executable, "-m", "diagnosis", "ui", *options, "--headless"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert found.returncode == code
        assert words in found.stderr


def test_a_port_that_cannot_be_used_is_said_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "diagnosis", "ui", "--headless", "--port"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = subprocess.run([*command, str(port)], capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 12
    assert f"dashboard: port {port} at 127.0.0.1 cannot be used (Address already in use)" in found.stderr
    found = subprocess.run([*command, "99999"], capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_a_file_in_the_folder_where_it_is_started_is_not_taken_for_a_library(tmp_path):
    (tmp_path / "streamlit.py").write_text("raise SystemExit(3)\n")
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-P", "-m", "diagnosis", "ui", "--headless", "--port", str(port)]
    with log.open("w") as stream:
        server = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=stream,
            stderr=stream,
            env=os.environ | {"DIAGNOSIS_STORE": str(tmp_path / "s")},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        finally:
            server.terminate()
            server.wait(timeout=300)


@pytest.fixture
def visit(monkeypatch, cases_dir, ui_bundle, checkout):
    """Start the app with a provider and what it vouches for."""

    def run(claims=None, **rules) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", str(cases_dir), str(ui_bundle)])
        app = AppTest.from_file(str(checkout / "clinician_ui" / "app.py"), default_timeout=600)
        app.secrets["auth"] = AUTH
        app.secrets["access"] = rules
        if claims is not None:
            app.user.update(claims)
        return app.run()

    return run


def claims_of(name, *groups, issued=None):
    issued = issued or datetime.now(UTC)
    return {
        "is_logged_in": True,
        "iss": "p",
        "sub": name,
        "email": name,
        "groups": list(groups),
        "iat": issued.timestamp(),
    }


def test_without_a_login_nothing_is_shown(visit):
    app = visit({"is_logged_in": False})
    assert not app.exception
    assert [b.label for b in app.button] == ["Log in"]
    assert "case_004" not in html_of(app)


def test_a_reader_and_a_viewer_see_their_pages(visit):
    app = visit(claims_of("reader-1", "radiologists"), reader=["radiologists"])
    assert not app.exception
    assert app.title[0].value == "Worklist"
    assert {"Assess all", "Log out"} <= {b.label for b in app.button}
    assert ("reader-1", "login") in [(e.actor, e.action) for e in read_events(open_archive())]
    app = visit(claims_of("viewer-1", "viewer"))
    assert "Assess all" not in {b.label for b in app.button}


def test_a_login_without_a_role_sees_nothing(visit):
    app = visit(claims_of("guest", "visitors"))
    assert app.error[0].value == NO_ROLE
    assert [b.label for b in app.button] == ["Log out"]


def test_wrong_rules_show_nobody_anything(visit):
    app = visit(claims_of("reader-1", "reader"), readers=["a"])
    assert "unknown key readers" in app.error[0].value
    assert not app.button


def test_an_old_login_must_be_made_again(visit, monkeypatch):
    out = []
    monkeypatch.setattr(access.st, "logout", lambda: out.append(1))
    app = visit(claims_of("reader-2", "reader", issued=datetime.now(UTC) - timedelta(hours=2)), idle_minutes=30)
    assert out == [1]
    assert not app.title
    # Whoever has just done something stays, however long ago the login was.
    claims = claims_of("reader-3", "reader")
    visit(claims)
    key = next(k for k in access._LAST_SEEN if "reader-3" in k)
    access._LAST_SEEN[key] = datetime.now(UTC) - timedelta(minutes=31)
    visit(claims)
    assert out == [1, 1]


def test_an_address_that_others_reach_shows_nothing_without_a_provider(start, cases_dir, ui_bundle):
    config.set_option("server.address", "0.0.0.0")
    try:
        app = start(cases_dir, ui_bundle)
        assert app.error[0].value == NO_PROVIDER
        assert not app.title
    finally:
        config.set_option("server.address", "127.0.0.1")
