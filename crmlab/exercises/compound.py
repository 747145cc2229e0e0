"""The kinds of answer that have parts: lists, tables, and functions with what they return.

Where a master says so (``credit=``), each entry, row or input counts by itself: `Kind.right_parts` counts the
right ones, whatever the others are.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from crmlab.errors import listing
from crmlab.exercises.calling import returned
from crmlab.exercises.kinds import Kind
from crmlab.exercises.plain import form_of
from crmlab.exercises.verdicts import Unfit, Verdict


@dataclass(frozen=True)
class Ordered(Kind):
    """A list whose order counts, each entry of one `entry` kind."""

    entry: Kind
    length: int
    parts = "entries"

    def read(self, given: Any) -> Any:
        given = self._entries(given)
        if not isinstance(given, list):
            raise Unfit("shape", "shape_list", length=self.length)
        if len(given) != self.length:
            raise Unfit("shape", "shape_length", length=self.length, size=len(given))
        return [self.entry.read(each) for each in given]

    def _entries(self, given: Any) -> Any:
        if isinstance(given, dict) and "pairs" in given:
            return [value for _, value in given["pairs"]]
        return given

    def right_parts(self, right: Any, given: Any) -> tuple[int, int]:
        entries = self._entries(given)
        pairs = zip(right, entries if isinstance(entries, list) else [])
        return sum(self.entry.reads_same(one, other) for one, other in pairs), self.length

    def same(self, right: Any, given: Any) -> bool:
        return all(map(self.entry.same, right, given))

    def numbers(self, answer: Any) -> list[tuple[float, float]]:
        return [pair for each in answer for pair in self.entry.numbers(each)]

    def explain(self, right: Any, given: Any) -> Verdict:
        if self._same_entries(right, given):
            return Verdict("order")
        count = sum(map(self.entry.same, right, given))
        return _with_count(super().explain(right, given), "wrong_entries", count, len(right))

    def _same_entries(self, right, given):
        left = list(given)
        for each in right:
            at = next((at for at, other in enumerate(left) if self.entry.same(each, other)), None)
            if at is None:
                return False
            del left[at]
        return True


@dataclass(frozen=True)
class Table(Kind):
    """Rows found by `key` in any order; `columns` pairs the others with their kinds. More do no harm."""

    key: tuple[str, ...]
    columns: tuple[tuple[str, Kind], ...]
    labels: frozenset[tuple[Hashable, ...]]  # the keys that the right table has
    parts = "rows"

    def read(self, given: Any) -> Any:
        rows = self._rows(given)
        # Only known keys get into a set: numbers can be chosen so that a large set of them takes minutes.
        known = [label for label, _ in rows if label in self.labels]
        if len(set(known)) < len(known):
            raise Unfit("shape", "shape_twice", key=listing(self.key))
        if not len(self.labels) == len(known) == len(rows):
            missing, more = len(self.labels) - len(known), len(rows) - len(known)
            raise Unfit(
                "shape",
                "shape_rows",
                rows=len(self.labels),
                key=listing(self.key),
                missing=missing,
                more=more,
            )
        return {
            label: tuple(kind.read(entry) for (_, kind), entry in zip(self.columns, entries))
            for label, entries in rows
        }

    def _rows(self, given):
        names = [name for name, _ in self.columns]
        form, _ = form_of(given)
        if form == "labelled" and len(names) == 1:
            return [(label_of(label), (value,)) for label, value in given["pairs"]]
        if form != "table":
            raise Unfit("shape", "shape_table", columns=listing((*self.key, *names)))
        columns, key = given["columns"], self.key
        if len(key) == 1 and key[0] not in columns and "" in columns:
            key = ("",)  # a frame whose unnamed index holds the key
        missing = [name for name in (*key, *names) if name not in columns]
        if missing:
            raise Unfit("shape", "shape_columns", columns=listing(missing))
        at_key, at = [columns.index(name) for name in key], [columns.index(name) for name in names]
        return [(label_of([row[i] for i in at_key]), tuple(row[i] for i in at)) for row in given["rows"]]

    def right_parts(self, right: Any, given: Any) -> tuple[int, int]:
        """A row that is missing, or there twice, is not right; rows that nobody asked for cost nothing."""
        try:
            rows = [(label, entries) for label, entries in self._rows(given) if label in self.labels]
        except Unfit:
            return 0, len(self.labels)
        times = Counter(label for label, _ in rows)
        once = [(label, entries) for label, entries in rows if times[label] == 1]
        return sum(self._reads_same_row(right[label], entries) for label, entries in once), len(self.labels)

    def _reads_same_row(self, right: Any, given: Any) -> bool:
        triples = zip(self.columns, right, given)
        return all(kind.reads_same(one, other) for (_, kind), one, other in triples)

    def same(self, right: Any, given: Any) -> bool:
        return all(self._same_row(right[label], given[label]) for label in right)

    def _same_row(self, right, given):
        return all(kind.same(one, other) for (_, kind), one, other in zip(self.columns, right, given))

    def numbers(self, answer: Any) -> list[tuple[float, float]]:
        return [
            pair
            for label in sorted(answer, key=repr)
            for (_, kind), entry in zip(self.columns, answer[label])
            for pair in kind.numbers(entry)
        ]

    def explain(self, right: Any, given: Any) -> Verdict:
        count = sum(self._same_row(right[label], given[label]) for label in right)
        return _with_count(super().explain(right, given), "wrong_rows", count, len(right))


@dataclass(frozen=True)
class Function(Kind):
    """A function, judged by what it returns for `inputs`; `results` are the kinds of these, one an input."""

    inputs: list[Any]
    results: tuple[Kind, ...]
    parts = "inputs"

    @property
    def units(self) -> str:
        return getattr(self.results[0], "units", "")

    def observe(self, value: Any) -> Any:
        return returned(value, self.inputs)

    def read(self, given: Any) -> Any:
        if not (isinstance(given, dict) and "returned" in given):
            raise Unfit("type", "type_function")
        given = given["returned"]
        if len(given) != len(self.results):
            raise Unfit("shape", "")
        for each in given:
            if isinstance(each, dict) and "raised" in each:
                raise Unfit("type", "type_function_raises", error=each["raised"])
        return [kind.read(each) for kind, each in zip(self.results, given)]

    def right_parts(self, right: Any, given: Any) -> tuple[int, int]:
        results = given.get("returned", []) if isinstance(given, dict) else []
        triples = zip(self.results, right, results)
        return sum(kind.reads_same(one, other) for kind, one, other in triples), len(self.results)

    def _agreeing(self, right, given):
        return [kind.same(one, other) for kind, one, other in zip(self.results, right, given)]

    def same(self, right: Any, given: Any) -> bool:
        return all(self._agreeing(right, given))

    def numbers(self, answer: Any) -> list[tuple[float, float]]:
        return [pair for kind, each in zip(self.results, answer) for pair in kind.numbers(each)]

    def explain(self, right: Any, given: Any) -> Verdict:
        agreeing = self._agreeing(right, given)
        verdict = super().explain(right, given)
        return _with_count(verdict, "wrong_calls", sum(agreeing), len(agreeing))


def label_of(label: Any) -> tuple[Hashable, ...]:
    """A key as a tuple that can be looked up; whole floats count as integers, texts without outer spaces."""
    entries = label if isinstance(label, list) else [label]
    return tuple(
        (
            int(each)
            if isinstance(each, float) and each.is_integer()
            else (
                each.strip()
                if isinstance(each, str)
                else repr(each)
                if isinstance(each, (dict, list))
                else each
            )
        )
        for each in entries
    )


def _with_count(verdict, key, count, total):
    return Verdict("wrong", key, {"count": count, "total": total}) if verdict.reason == "wrong" else verdict
