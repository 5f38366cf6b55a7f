"""Gathers the answers: from options and a file, and from a person where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.init.questions import FIXED, to_ask
from connector.config.sections import Section, did_you_mean
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import ConfigError, Problem
from connector.runtime.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from connector.cli.init.checks import Given
    from connector.cli.init.questions import Question


def read_answers(path: Path, given: Given) -> None:
    """Takes the answers of a YAML file, one `question: answer` per line. Raises ConfigError."""
    problems: list[Problem] = []
    root = read_yaml_file(path, problems, remedy="correct its path")
    if root is not None:
        section = Section(root, title="answers", problems=problems)
        known = [*(question.id for question in FIXED), "profile"]
        for name in section.names():
            value = section.text(name)
            if name not in known:
                section.report(
                    f"unknown question {name!r}{did_you_mean(name, known)}", f"known: {', '.join(known)}", key=name
                )
            elif value is not None:
                given.answers[name] = value
                given.places[name] = section.where_of(name)
    if problems:
        raise ConfigError(problems)


def gather(given: Given, profiles: Mapping[str, str], *, terminal: bool, say: Callable[[str], None]) -> None:
    """Completes `given.answers`. Without a terminal raises ConfigError naming every missing and every wrong answer."""
    problems: list[Problem] = []
    asked: list[str] = []
    for question in to_ask(given.answers, profiles):
        asked.append(question.id)
        answer = given.answers.get(question.id, None if terminal else question.default)
        if answer is None and not terminal:
            problems.append(_missing(question))
        elif answer is not None:
            try:
                given.answers[question.id] = question.accepted(answer, given)
            except ValueError as error:
                wrong = _wrong(question, answer, given, str(error))
                if terminal:
                    say(f"\n{wrong.where}: {wrong.observed}")
                    answer = None
                else:
                    problems.append(wrong)
        if answer is None and terminal:
            given.answers[question.id] = _ask(question, given, say)
    if problems:
        raise ConfigError(problems)
    for name in [name for name in given.answers if name not in asked]:
        say(f"not needed here, and left out: {name.replace('_', ' ')}")
        del given.answers[name]


def _ask(question: Question, given: Given, say: Callable[[str], None]) -> str:
    say(f"\n{question.text}\n  {question.why}")
    choices = list(question.choices or {})
    for number, choice in enumerate(choices, start=1):
        say(f"    {number}  {choice:<20} {(question.choices or {})[choice]}")
    while True:
        text = click.prompt(
            "not shown" if question.is_secret else "answer",
            default=question.default,
            hide_input=question.is_secret,
            show_default=True,
            err=True,
            prompt_suffix=" > ",
            type=str,
        ).strip()
        if text.isdigit() and 0 < int(text) <= len(choices):
            text = choices[int(text) - 1]
        try:
            kept = given.keep_secret(question.id, text) if question.is_secret else text
            return question.accepted(kept, given)
        except ValueError as error:
            given.typed.pop(question.id, None)
            say(f"  {error}")


def _missing(question: Question) -> Problem:
    wanted = f"; one of {', '.join(question.choices)}" if question.choices else ""
    return Problem(
        where=question.option,
        observed=f"not answered: {question.text}",
        remedy=f"give {question.option}, or {question.id} in the file of --answers{wanted}",
    )


def _wrong(question: Question, answer: str, given: Given, reason: str) -> Problem:
    # a secret may have strayed into an answer that is none
    shown = "" if question.is_secret else f"{redact_text(answer)!r} will not do: "
    where = given.places.get(question.id, question.option)
    remedy = "name a file or a variable that holds it: file:PATH or env:NAME" if question.is_secret else question.why
    return Problem(where=where, observed=f"{shown}{redact_text(reason)}", remedy=remedy)
