"""Who ends the command ends the dashboard: a service manager sends its signal to the one process it started."""

import socket
from urllib.parse import urlsplit

import pytest
from dashboard_browser import dashboard


@pytest.mark.slow
def test_the_signal_that_ends_the_command_ends_the_server(cases_dir, ui_bundle, tmp_path):
    with dashboard(cases_dir, ui_bundle, tmp_path) as (address, server):
        server.terminate()
        server.wait(timeout=300)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", urlsplit(address).port)) != 0, "the server outlives its command"
