"""An import on disk: tables, log, audit, dropped rows, and the map to be edited."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.data.exports.canonical import TABLES
from crmlab.data.exports.hiding import disarmed, disarmed_text
from crmlab.data.exports.matching import Layout
from crmlab.files import write_text

if TYPE_CHECKING:
    from crmlab.data.exports.importing import Import

AUDIT = "audit.json"
MAP = "map.toml"


def write_import(done: "Import", folder: Path) -> list[Path]:
    """Write all of an import into a folder; see `Import.write`."""
    paths = []
    changed = {}
    every = dict(done.tables) | ({} if done.log is None else {"transactions": done.log})
    if (folder / AUDIT).exists():  # of an import before this one
        for name in {*TABLES, "transactions"} - set(every):
            (folder / f"{name}.csv").unlink(missing_ok=True)
    for name, table in every.items():
        safe, changed[name] = disarmed(table)
        paths.append(write_text(folder / f"{name}.csv", _csv(safe)))
    audit = {
        "system": done.card.system,
        "rule": done.rule,
        "doubt": done.doubt,
        "tables": {
            name: each.as_json() | {"cells_disarmed": changed.get(name, {})}
            for name, each in done.audits.items()
        },
        "files": {file: found.table or f"passed over: {found.why}" for file, found in done.layouts.items()},
        "problems": [{"file": each.file, "why": each.why} for each in done.problems],
        "not_verified": list(done.card.not_verified),
    }
    paths.append(write_text(folder / AUDIT, json.dumps(audit, ensure_ascii=False, indent=1) + "\n"))
    paths.append(write_text(folder / "dropped.csv", _dropped(done)))
    paths.append(write_text(folder / MAP, map_text(done)))
    return paths


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def _dropped(done: "Import") -> str:
    """Each dropped row: table, file, row, reason."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["table", "file", "row", "reason"])
    for name, audit in done.audits.items():
        for reason, places in audit.dropped.items():
            out.writerows([name, disarmed_text(file), row, reason] for file, row in places)
    return text.getvalue()


# -- the map -------------------------------------------------------------------------------------------------


def map_text(done: "Import") -> str:
    """The map of an import: what was understood, as TOML to be edited."""
    said = done.settings
    plain = ("date_format", "time_zone", "decimal", "thousands", "encoding", "currency")
    parts = [
        f"# How crmlab reads this export of {done.card.name}. Edit it, and pass it by --map.",
        "# What stands behind # was found without your help; take the # away to fix it, or change it.",
        "",
        f"system = {_text(said.system)}",
        *(
            f"{name} = {_text(getattr(said, name))}" if getattr(said, name) else f'# {name} = ""'
            for name in plain
        ),
        f"unreadable = {_text(said.unreadable)}  # refuse, or drop rows with what cannot be read",
        f"skip = {_list(said.skip)}  # files to be passed over",
    ]
    for name in TABLES:
        held = {file: each for file, each in done.layouts.items() if each.table == name}
        parts += ["", *_map_of(name, held, done)]
    return "\n".join(parts) + "\n"


def _map_of(name: str, held: dict[str, Layout], done: "Import") -> list[str]:
    said = done.settings.of(name)
    first = next(iter(held.values()), Layout(""))
    files = f"files = {_list(said.files)}" if said.files else f"# files = {_list(tuple(held))}"
    parts = [f"[tables.{name}]", files, *_columns_of(name, first, done)]
    parts.append(f'[tables.{name}.keep]  # columns of your own to carry along: name = "label"')
    parts += [f"{_key(new)} = {_text(first.labels[place])}" for new, place in first.kept.items()]
    parts += _formats_of(name, done)
    if name in ("deals", "orders"):
        parts.append(f"[tables.{name}.states]  # stages or statuses besides those that the card knows")
        known = ("won", "lost") if name == "deals" else ("void",)
        for state in dict.fromkeys((*known, *said.states)):
            labels = said.states.get(state, ())
            parts.append(f"{'' if labels else '# '}{state} = {_list(labels)}")
    return parts


def _columns_of(name: str, first: Layout, done: "Import") -> list[str]:
    """The columns: by the map and by guesses as they are, by labels of the card behind #."""
    said = done.settings.of(name)
    weak = {each.column: each for each in first.guesses}
    parts = [f"[tables.{name}.columns]"]
    for each in TABLES[name]:
        match, near = first.matches.get(each.name), weak.get(each.name)
        if match is not None:
            mark = "" if match.how in ("map", "guess") else "# "
            how = f"guess, {match.confidence:.2f}: is it right?" if match.how == "guess" else match.how
            parts.append(f"{mark}{each.name} = {_text(match.label)}  # {how}")
        elif said.columns.get(each.name) == "":
            parts.append(f'{each.name} = ""  # left out')
        else:
            hint = f"not found; nearest is {near.label!r}, {near.confidence:.2f}" if near else "not found"
            parts.append(f'# {each.name} = ""  # {each.about}: {hint}')
    return parts + ([f"# not used: {', '.join(map(repr, first.unused))}"] if first.unused else [])


def _formats_of(name: str, done: "Import") -> list[str]:
    """Formats of dates: those that were said, and behind # those that were found out."""
    said = done.settings.of(name).formats
    found = done.audits[name].formats if name in done.audits else {}
    lines = [f"{key} = {_text(form)}" for key, form in said.items()]
    lines += [f"# {key} = {_text(form)}" for key, form in found.items() if key not in said]
    return [f"[tables.{name}.formats]  # of dates, by column", *lines] if lines else []


def _text(value: str | None) -> str:
    return json.dumps(value or "", ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "a").isalnum() else _text(name)
