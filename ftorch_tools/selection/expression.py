# SPDX-License-Identifier: MIT
"""Boolean expressions over labels, as `gpu and not slow`, with the meaning of pytest's `-m`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Callable

from pyparsing import (
    OpAssoc,
    ParseException,
    ParserElement,
    ParseResults,
    Regex,
    infix_notation,
)

from ftorch_tools.errors import UsageError

Predicate = Callable[[Collection[str]], bool]

# The characters that pytest allows in a name.
_NAME = r"[\w:+.\[\]\\/-]+"
_NOT, _AND, _OR = (Regex(rf"{word}(?!{_NAME})") for word in ("not", "and", "or"))


def parse(text: str) -> tuple[Predicate, frozenset[str]]:
    """Return what `text` says about a test's labels, and the labels that it names.

    `not` binds tighter than `and`, and `and` tighter than `or`; a label stands for its presence.
    """
    named: set[str] = set()

    def label(found: ParseResults) -> Predicate:
        name = str(found[0])
        named.add(name)
        return lambda labels: name in labels

    try:
        (predicate,) = _grammar(label).parse_string(text, parse_all=True)
    except ParseException as error:
        where = f"column {error.column} of {text!r}"
        raise UsageError(f"not an expression of labels: {error.msg} at {where}") from error
    return predicate, frozenset(named)


def _grammar(label: Callable[[ParseResults], Predicate]) -> ParserElement:
    name = ~(_NOT | _AND | _OR) + Regex(_NAME)
    grammar: ParserElement = infix_notation(  # type: ignore[no-untyped-call]
        name.set_name("label").set_parse_action(label),
        [
            (_NOT, 1, OpAssoc.RIGHT, _negation),
            (_AND, 2, OpAssoc.LEFT, _all),
            (_OR, 2, OpAssoc.LEFT, _any),
        ],
    )
    return grammar


def _negation(found: ParseResults) -> Predicate:
    operand = found[0][1]
    return lambda labels: not operand(labels)


def _all(found: ParseResults) -> Predicate:
    operands = found[0][::2]
    return lambda labels: all(operand(labels) for operand in operands)


def _any(found: ParseResults) -> Predicate:
    operands = found[0][::2]
    return lambda labels: any(operand(labels) for operand in operands)
