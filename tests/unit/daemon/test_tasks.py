"""What passes between the processes."""

from __future__ import annotations

import msgspec
import pytest

from daemon.settings import Settings
from daemon.tasks import (
    Activate,
    Arrived,
    Check,
    Compact,
    Decide,
    Greeting,
    Ingest,
    Open,
    Recover,
    ReleaseFiles,
    Reply,
    Report,
    Rescore,
    ResetSchema,
    Task,
    WriteFinaldata,
)

TASKS = [
    Ingest((Arrived(b"kunde-\xfc\n.csv", "2026-01-01T00:00:00.000Z"), Arrived(b"b.csv", "2026", unread=True))),
    WriteFinaldata(),
    Compact(),
    Check(b"/x/kunde-\xfc", b"kunde-\xfc.csv"),
    Rescore(),
    Recover(),
    ResetSchema(),
    Decide(),
    Decide(give_up=True),
    Activate(7),
    Activate(None),
    ReleaseFiles(("3f2a9c41", "77ab")),
    Report(),
    Open(7),
]


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_a_task_arrives_as_it_was_sent_in_one_line(task: Task) -> None:
    line = msgspec.json.encode(task)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Task) == task


def test_every_kind_of_task_is_tried_here() -> None:
    assert {type(task) for task in TASKS} == set(Task.__args__)


def test_the_settings_arrive_as_they_were_read() -> None:
    settings = Settings(input_folder_path="größe\n")
    line = msgspec.json.encode(Greeting(msgspec.to_builtins(settings), "/x/config.json"))
    assert b"\n" not in line
    greeting = msgspec.json.decode(line, type=Greeting)
    assert msgspec.convert(greeting.settings, Settings) == settings


def test_a_reply_says_only_what_it_has_to_say() -> None:
    assert msgspec.json.encode(Reply(taken=True)) == b'{"taken":true}'
    reply = Reply(event="file.ingested", fields={"file": "a\nb"})
    assert msgspec.json.decode(msgspec.json.encode(reply), type=Reply) == reply
