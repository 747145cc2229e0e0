"""Maps to fill in: which of a user's columns is which."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from crmlab.analysis.matching import Matched
from crmlab.analysis.needs import Need, Needs, Sample
from crmlab.analysis.reading import Source, Use

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
    needs: Needs, matched: Sequence[Matched], sources: Sequence[Source] = (), as_it_is: bool = False
) -> str:
    """The same, with the columns that were found, and those of the sources that were not taken for any."""
    found = {each.sample.name: each for each in matched}
    parts = [HEAD.format(theory=needs.theory.replace("_", " "), about=needs.about)]
    parts += ["as_it_is = true  # no column is brought to standard deviations\n"] if as_it_is else []
    taken = {(each.source.name, use.column) for each in matched for use in each.uses.values()}
    for source in sources:
        free = [column for column in source.frame.columns if (source.name, column) not in taken]
        if free:
            parts.append(
                f"# Of {source.name} not taken for any: {json.dumps(free, ensure_ascii=False)[1:-1]}\n"
            )
    parts += [_sample(sample, found.get(name)) for name, sample in needs.samples.items()]
    return "\n".join(parts)


def _sample(sample: Sample, found: Matched | None) -> str:
    file = json.dumps(found.source.name if found else "", ensure_ascii=False)
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
        lines += [f"# {need.about} {kind_of(need)}", f"{name} = {_use(uses.get(name))}"]
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
