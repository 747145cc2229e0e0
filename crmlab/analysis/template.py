"""Maps to fill in: which of a user's columns is which."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmlab.analysis.files import Source
from crmlab.analysis.firm.rules import Rules
from crmlab.analysis.matching import Matched
from crmlab.analysis.needs import Need, Needs, Sample
from crmlab.analysis.reading import Use

HEAD = """# Which column of your tables is which, for {theory}: {about}
# Write the name of your column in the quotes; leave "" what you have not. More can be said of a column:
#   rating = {{ column = "Q7", low = 1, high = 5, reverse = true, missing = ["9"] }}
#   renewed = {{ column = "state", yes = ["active"], no = ["gone"] }}
#   log_hours = {{ column = "hours", transform = "log" }}
#   rating = {{ column = "Q7", as_it_is = true }}        (is not brought to standard deviations)
#   useful_1 = {{ mean = ["U1", "U2", "U3"] }}           (the mean of several columns)
# A sample is a file: name it if its name does not say which it is.
"""


def template(needs: Needs) -> str:
    """A map with every column that a theory needs, its meaning, kind and range, to be filled in."""
    return filled(needs, [])


def filled(
    needs: Needs,
    matched: Sequence[Matched],
    sources: Sequence[Source] = (),
    as_it_is: bool = False,
    rules: Rules | None = None,
) -> str:
    """The same, with the columns that were found, and those of the sources that were not taken for any.

    With `rules` those by which columns were made of a firm's tables stand there, too.
    """
    found = {each.sample.name: each for each in matched}
    parts = [HEAD.format(theory=needs.theory.replace("_", " "), about=needs.about)]
    parts += ["as_it_is = true  # no column is brought to standard deviations\n"] if as_it_is else []
    parts += [_rules(rules)] if rules is not None else []
    taken = {(each.source.name, use.column) for each in matched for use in each.uses.values()}
    for source in sources:
        free = [column for column in source.frame.columns if (source.name, column) not in taken]
        if free:
            parts.append(
                f"# Of {source.name} not taken for any: {json.dumps(free, ensure_ascii=False)[1:-1]}\n"
            )
    parts += [_sample(sample, found.get(name)) for name, sample in needs.samples.items()]
    return "\n".join(parts)


def _rules(rules: Rules) -> str:
    """The rules that were said, and behind # the others as they were."""
    dates = {name: getattr(rules, name) for name in ("since", "until", "start")}
    every = {name: value for name, value in (dict(rules.values) | dates).items() if value is not None}
    lines = [f"{'' if name in rules.said else '# '}{name} = {_rule(value)}" for name, value in every.items()]
    return "\n".join(["[rules]  # dates and windows; take the # away to set one", *lines]) + "\n"


def _rule(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else _toml(value)


def _sample(sample: Sample, found: Matched | None) -> str:
    made = found is not None and bool(found.source.sample)  # of a firm's tables, by which it is found again
    file = json.dumps(found.source.name if found and not made else "", ensure_ascii=False)
    missing = json.dumps(list(found.missing) if found else [], ensure_ascii=False)
    lines = [
        f"[{sample.name}]  # a row is {sample.row}",
        f"file = {file}",
        f'missing = {missing}  # cells that mean no answer, as ["-9", "99"]; empty ones are known',
        "",
        f"[{sample.name}.columns]",
    ]
    uses: Mapping[str, Use] = found.uses if found else {}
    for name, need in sample.columns.items():
        use = uses.get(name)
        is_made = made and use is not None and use.how == "name"
        lines += [f"# {need.about} {kind_of(need)}", f"{name} = {_use(None if is_made else use)}"]
        lines[-1] += "  # found by this name, or made by the rules" if is_made else ""
    return "\n".join(lines) + "\n"


def kind_of(need: Need) -> str:
    """The kind and range of a column, in words."""
    ends = f", {need.low:g} to {need.high:g}" if np.isfinite(need.high) and need.kind != "yes_no" else ""
    ends = ends or (", 0 or more" if need.low == 0 and need.kind in ("count", "positive") else "")
    kinds = {"yes_no": "yes or no", "id": "any names", "positive": "number", "count": "whole number"}
    kinds |= {"period": "whole number", "category": "answer"}
    more = ", brought to standard deviations" if need.standardise else ""
    more += f", empty where {need.empty_unless} is 0" if need.empty_unless else ""
    return f"({kinds.get(need.kind, need.kind)}{ends}{more})"


def _use(use: Use | None) -> str:
    if use is None:
        return '""'
    said = {name: getattr(use, name) for name in Use.__dataclass_fields__ if name not in ("column", "how")}
    given = {name: value for name, value in said.items() if value not in ((), None, False, "")}
    column = json.dumps(use.column, ensure_ascii=False)
    if not given:
        return column
    said = [f"{name} = {_toml(value)}" for name, value in given.items()]
    return "{ " + ", ".join(said if use.mean else [f"column = {column}", *said]) + " }"


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
