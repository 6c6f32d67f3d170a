# SPDX-License-Identifier: MIT
"""Boolean expressions over labels, as `gpu and not slow`, with the meaning of pytest's `-m`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ftorch_tools.errors import UsageError

Predicate = Callable[[Collection[str]], bool]

# The characters that pytest allows in a name.
_TOKEN = re.compile(r"\s*([()]|[\w:+.\[\]\\/-]+)")
_WORDS = ("and", "or", "not", "(", ")")
# Each level of parentheses or `not` takes some of the interpreter's stack.
_DEEPEST = 100


def parse(text: str) -> tuple[Predicate, frozenset[str]]:
    """Return what `text` says about a test's labels, and the labels that it names.

    `not` binds tighter than `and`, and `and` tighter than `or`; a label stands for its presence.
    """
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._named: set[str] = set()
        self._tokens: list[tuple[str, int]] = []
        self._depth = 0
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None:
                raise self._error(
                    "a label", place + len(text[place:]) - len(text[place:].lstrip())
                )
            self._tokens.append((found.group(1), found.start(1)))
            place = found.end()
        self._tokens.append(("", end))
        self._next = 0

    def parse(self) -> tuple[Predicate, frozenset[str]]:
        predicate = self._any()
        if self._token:
            raise self._error("`and`, `or` or the end")
        return predicate, frozenset(self._named)

    @property
    def _token(self) -> str:
        return self._tokens[self._next][0]

    def _accept(self, word: str) -> bool:
        found = self._token == word
        self._next += found
        return found

    def _any(self) -> Predicate:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda labels: any(p(labels) for p in parts)

    def _all(self) -> Predicate:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda labels: all(p(labels) for p in parts)

    def _one(self) -> Predicate:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"at most {_DEEPEST} levels of parentheses and `not`")
        try:
            if self._accept("not"):
                operand = self._one()
                return lambda labels: not operand(labels)
            if self._accept("("):
                inner = self._any()
                if not self._accept(")"):
                    raise self._error("`)`")
                return inner
        finally:
            self._depth -= 1
        name = self._token
        if not name or name in _WORDS:
            raise self._error("a label")
        self._next += 1
        self._named.add(name)
        return lambda labels: name in labels

    def _error(self, expected: str, place: int | None = None) -> UsageError:
        where = self._tokens[self._next][1] if place is None else place
        shown = self._text if len(self._text) <= 100 else f"{self._text[:100]}…"
        words = f"expected {expected} at column {where + 1} of {shown!r}"
        return UsageError(f"not an expression of labels: {words}")
