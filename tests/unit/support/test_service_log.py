"""A log is read while it is written."""

from __future__ import annotations

from tests.acceptance.service import Service


def test_what_is_not_whole_yet_is_left_for_the_next_look(tmp_path):
    log = tmp_path / "service.log"
    service = Service(process=None, webhook_url="", ops_url="", log=log)
    log.write_bytes(b'{"event": "one"}\nnot JSON\n{"event": "tw')
    assert service.lines() == [{"event": "one"}]
    log.write_bytes('{"event": "one"}\n{"event": "zwölf"}\nzwö'.encode()[:-1])
    assert service.lines() == [{"event": "one"}, {"event": "zwölf"}]
