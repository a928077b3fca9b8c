"""Columns through a socket to whoever holds a pipeline, and log-odds back."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from daemon import local_sockets, pipeline_socket
from daemon.pipeline_socket import path_of, remote, serve, sweep
from handlers.domain.axes import Columns, Floats
from handlers.domain.scorer import EstimatorFailed, NotAnswering

COLUMNS = {
    "number": np.array([1.5, np.nan, -0.0, 1e300]),
    "text": np.array(["a", None, "", "gr\u00fcn\0"], dtype=object),
}


def echo(columns: Columns) -> Floats:
    """The number where there is one, else the length of the text."""
    lengths = [0.0 if text is None else float(len(text)) for text in columns["text"].tolist()]
    return np.where(np.isnan(columns["number"]), lengths, columns["number"])


def test_what_is_said_arrives_to_the_last_bit(tmp_path: Path) -> None:
    heard: list[Columns] = []

    def say(columns: Columns) -> Floats:
        heard.append(columns)
        return echo(columns)

    serve(path_of(tmp_path, 3), say)
    said = remote(tmp_path)(3, b"")(COLUMNS)
    assert said.tobytes() == echo(COLUMNS).tobytes()
    assert heard[0]["number"].tobytes() == COLUMNS["number"].tobytes()
    assert heard[0]["text"].tolist() == COLUMNS["text"].tolist()
    assert path_of(tmp_path, 3).stat().st_mode & 0o777 == 0o600


def test_a_large_table_is_asked_for_in_blocks_so_that_others_come_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_socket, "ROWS_AT_ONCE", 3)
    sizes: list[int] = []

    def say(columns: Columns) -> Floats:
        sizes.append(len(columns["text"]))
        return echo(columns)

    serve(path_of(tmp_path, 1), say)
    assert remote(tmp_path)(1, b"")(COLUMNS).tolist() == echo(COLUMNS).tolist()
    assert sizes == [3, 1]


def test_no_rows_ask_nobody(tmp_path: Path) -> None:
    assert remote(tmp_path)(1, b"")({"number": np.empty(0)}).tolist() == []


def test_many_threads_share_one_asker_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    serve(path_of(tmp_path, 1), echo)
    say = remote(tmp_path)(1, b"")
    wrong: list[float] = []

    def ask(number: float) -> None:
        for _ in range(20):
            said = say({"number": np.array([number]), "text": np.array([None], dtype=object)}).tolist()
            wrong.extend(one for one in said if one != number)

    threads = [threading.Thread(target=ask, args=(float(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_process_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(NotAnswering, match="holds model 4 is not there"):
        remote(tmp_path)(4, b"")(COLUMNS)


def test_one_that_comes_in_time_is_waited_for(tmp_path: Path) -> None:
    late = threading.Timer(0.2, serve, (path_of(tmp_path, 4), echo))
    late.start()
    assert remote(tmp_path, patience=30.0)(4, b"")(COLUMNS).tolist() == echo(COLUMNS).tolist()
    late.join()


def test_one_that_has_been_replaced_is_found_again(tmp_path: Path) -> None:
    listening = local_sockets.bound(path_of(tmp_path, 1))
    listening.listen()

    def answer_twice() -> None:
        for number in (1.0, 2.0):
            connection, _ = listening.accept()
            with connection:  # and gone, as a process that was killed
                pipeline_socket.receive(connection)
                said = pipeline_socket.Answer(log_odds=np.full(4, number).tobytes())
                pipeline_socket.send(connection, msgspec.msgpack.encode(said))

    thread = threading.Thread(target=answer_twice)
    thread.start()
    say = remote(tmp_path)(1, b"")
    assert say(COLUMNS).tolist() == [1.0] * 4
    assert say(COLUMNS).tolist() == [2.0] * 4
    thread.join()
    listening.close()
    with pytest.raises(NotAnswering):
        say(COLUMNS)


def test_one_that_hangs_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_socket, "ANSWER_SECONDS", 0.05)
    stuck = threading.Event()

    def hang(columns: Columns) -> Floats:
        stuck.wait(30)
        return echo(columns)

    serve(path_of(tmp_path, 1), hang)
    with pytest.raises(NotAnswering, match="does not answer"):
        remote(tmp_path, patience=30.0)(1, b"")(COLUMNS)
    stuck.set()


@pytest.mark.parametrize(
    ("raised", "why"), [(EstimatorFailed("in mine.py:3"), "mine.py:3"), (KeyError("client 4711"), "it raised KeyError")]
)
def test_what_is_raised_is_told_without_what_a_row_holds_and_the_next_question_is_answered(
    tmp_path: Path, raised: Exception, why: str
) -> None:
    first = [raised]

    def say(columns: Columns) -> Floats:
        if first:
            raise first.pop()
        return echo(columns)

    serve(path_of(tmp_path, 1), say)
    asked = remote(tmp_path)(1, b"")
    with pytest.raises(EstimatorFailed, match=why) as caught:
        asked(COLUMNS)
    assert "4711" not in str(caught.value)
    assert asked(COLUMNS).tolist() == echo(COLUMNS).tolist()


def test_a_folder_may_lie_deeper_than_an_address_is_long(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    serve(path_of(deep, 1), echo)
    assert remote(deep)(1, b"")(COLUMNS).tolist() == echo(COLUMNS).tolist()


def test_what_a_killed_daemon_left_is_removed(tmp_path: Path) -> None:
    serve(path_of(tmp_path, 1), echo)
    (tmp_path / "control.sock").touch()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["control.sock"]
