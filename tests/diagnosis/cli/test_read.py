import json
import subprocess
import sys


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "diagnosis", "read", *arguments], capture_output=True, text=True, check=False
    )


def test_json_of_a_note(tmp_path):
    text = (
        "HISTORY: 66-year-old woman, 40 pack-years.\nFINDINGS: 9 mm solid nodule in the right upper lobe. No emphysema."
    )
    (tmp_path / "note.txt").write_text(text)
    done = run(str(tmp_path / "note.txt"), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    emphysema = next(fact for fact in report["facts"] if fact["name"] == "emphysema")
    assert emphysema["assertions"]["is_negated"]
    assert text[emphysema["start"] : emphysema["end"]] == emphysema["text"] == "emphysema"
    assert [opinion["model"] for opinion in report["second_opinions"]][-1] == "Lung-RADS v2022"
    assert report["contradictions"] == []


def test_an_empty_note_is_one_sentence(tmp_path):
    (tmp_path / "note.txt").write_text(" ")
    done = run(str(tmp_path / "note.txt"))
    assert done.returncode == 6
    assert "it is empty" in " ".join(done.stderr.split()) or "the file is empty" in " ".join(done.stderr.split())
