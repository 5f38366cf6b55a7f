"""A person's file is read to its bound, and nothing that is no file."""

from __future__ import annotations

import os

import pytest

from connector.config.text_file import UnreadableFile, exists, read_text_file


def test_text_is_read_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfkey: M\xc3\xbcller\r\n")
    assert read_text_file(path, bytes_max=100) == "key: Müller\r\n"


def test_the_bound_counts_bytes_and_is_allowed_itself(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("ü" * 5, encoding="utf-8")
    assert len(read_text_file(path, bytes_max=10)) == 5
    with pytest.raises(UnreadableFile, match="more than 9 bytes"):
        read_text_file(path, bytes_max=9)


def test_a_device_and_a_pipe_are_no_files(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, tmp_path.__class__("/dev/zero")):
        with pytest.raises(UnreadableFile, match="it is not a file"):
            read_text_file(path, bytes_max=10)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "No such file"), ("x" * 5_000, "name too long"), ("a\0b", "no file can have this name")],
)
def test_what_is_not_there_says_why(tmp_path, name, words):
    with pytest.raises(UnreadableFile, match=words):
        read_text_file(tmp_path / name, bytes_max=10)
    assert not exists(tmp_path / name)


@pytest.mark.parametrize("content", [b"\xff\xfea", b"a: \xed\xa0\x80", b"caf\xe9"])
def test_bytes_of_another_encoding_are_no_text(tmp_path, content):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        read_text_file(path, bytes_max=100)
