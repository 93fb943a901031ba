import threading

import pytest

from app.opened import Opened, opened


def test_latest_comes_first_and_once(tmp_path):
    shelf = Opened(tmp_path / "cache" / "opened.json")
    assert shelf.codes() == []
    for code in ("A.US", "B.US", "A.US", "A.US"):
        shelf.note(code)
    assert shelf.codes() == ["A.US", "B.US"]
    assert Opened(tmp_path / "cache" / "opened.json").codes() == ["A.US", "B.US"]


def test_only_so_many_are_kept(tmp_path):
    shelf = Opened(tmp_path / "opened.json")
    for n in range(30):
        shelf.note(f"{n}.US")
    assert shelf.codes() == [f"{n}.US" for n in range(29, 5, -1)]


@pytest.mark.parametrize("content", ["", "{", "{}", "[1, null]", "\x00"])
def test_spoilt_file_counts_as_empty(tmp_path, content):
    path = tmp_path / "opened.json"
    path.write_text(content)
    shelf = Opened(path)
    assert shelf.codes() == []
    shelf.note("A.US")
    assert shelf.codes() == ["A.US"]


def test_folder_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    shelf = Opened(tmp_path / "file" / "opened.json")
    shelf.note("A.US")
    assert shelf.codes() == []


def test_notes_of_many_threads_leave_a_whole_file(tmp_path):
    shelf = Opened(tmp_path / "opened.json")
    threads = [threading.Thread(target=shelf.note, args=(f"{n}.US",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shelf.codes()) == sorted(f"{n}.US" for n in range(12))
    assert [path.name for path in tmp_path.iterdir()] == ["opened.json"]


def test_one_shelf_per_installation(settings):
    opened(settings).note("A.US")
    assert opened(settings).codes() == ["A.US"]
    assert (settings.home / "cache" / "opened.json").is_file()
