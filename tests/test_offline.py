"""After installation everything works with the network off: sockets are blocked and the main job is run."""

import json
import subprocess
import sys

BLOCKER = """
import socket, sys
class Blocked(Exception): pass
def refuse(*args, **kwargs):
    raise Blocked("a socket was opened")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.create_connection = refuse
socket.getaddrinfo = refuse
from diagnosis.cli import main
sys.argv = ["diagnosis", *sys.argv[1:]]
main()
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCKER, *arguments], capture_output=True, text=True, check=False)


def test_a_case_with_ct_note_and_voice_is_assessed_without_a_network(checkout, tiny_bundle):
    found = run("assess", str(checkout / "data_samples" / "case_001"), "--bundle", str(tiny_bundle), "--json")
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    assert all(result["modalities"][m]["present"] for m in ("ct", "note", "voice"))


def test_demo_writes_its_report_without_a_network(tmp_path):
    found = run("demo", "--out", str(tmp_path))
    assert found.returncode == 0, found.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "case_001" in page
    assert not [part for part in ("http://", "<script src", "<link ") if part in page.replace("http://www.w3.org", "")]
