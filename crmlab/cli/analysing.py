"""``crmlab analyse``: a theory's estimators on a user's own tables."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``analyse``."""
    parser = commands.add_parser(
        "analyse",
        help="test a theory's hypotheses on your own tables and write a report",
        description="Test a theory's hypotheses on your own tables: estimates with intervals and verdicts, "
        "beside what simulation says of each estimator with as many rows as yours, and the assumptions that "
        "they rest on, with the checks that were made. Columns are found by name, by another name in English "
        "or Chinese, or by a map.",
    )
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help="09, loyalty or 09_loyalty")
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help="your files, or the folder that crmlab import wrote"
    )
    firm = parser.add_argument_group("with the folder of crmlab import")
    firm.add_argument(
        "--with",
        dest="joined",
        action="append",
        default=[],
        metavar="FILE",
        help="a survey or record to be joined by the customer's id (or the branch); can be given again",
    )
    firm.add_argument(
        "--id", metavar="COLUMN", help="of these files with the ids (default: found by its name)"
    )
    firm.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a date or window by which columns are made, as start=2024-01-01; --list LESSON names them",
    )
    what = parser.add_argument_group("instead of an analysis")
    what.add_argument(
        "--list", action="store_true", help="say of every theory which tables and columns it needs"
    )
    what.add_argument(
        "--template",
        action="store_true",
        help="write a map to fill in, with each column that is needed, its meaning and range, and those "
        "found in TABLE (to --map FILE, or map_LESSON.toml)",
    )
    parser.add_argument(
        "--map", metavar="FILE", help="which of your columns is which, as --template writes it"
    )
    parser.add_argument("--out", metavar="DIR", help="folder to write the report into")
    parser.add_argument(
        "--hypotheses", metavar="NAMES", help="only these, as H2,H3 (default: all that can be)"
    )
    parser.add_argument(
        "--complete-cases",
        action="store_true",
        help="leave rows out in which a needed cell is empty, and say which (default: refuse them)",
    )
    parser.add_argument(
        "--sims", type=int, default=200, metavar="N", help="of each world (default: 200; 0: none)"
    )
    parser.add_argument(
        "--power",
        type=float,
        default=0.8,
        metavar="SHARE",
        help="to see the smallest effect with (default: 0.8)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="processes (default: all cores)")
    parser.add_argument("--encoding", metavar="NAME", help="of text files, as gb18030 (default: utf-8)")
    parser.add_argument("--sheet", metavar="NAME", help="of a spreadsheet that has several")
    parser.set_defaults(command=analyse_command)


def analyse_command(chosen: argparse.Namespace) -> int:
    """List, write a map, or analyse."""
    from crmlab.errors import InputError, speaking_of_flags

    with speaking_of_flags():
        if chosen.list:
            return _list(chosen.lesson)
        if chosen.lesson is None:
            raise InputError("LESSON is missing; name one, as 09, or see --list")
        if chosen.template:
            return _template(chosen)
        if not chosen.tables:
            raise InputError(
                "TABLE is missing; name your files, or see what is needed by --list or --template"
            )
        return _analyse(chosen)


def _list(lesson: str | None) -> int:
    from crmlab.analysis.telling import listed

    print(listed(lesson))
    return 0


def _template(chosen: argparse.Namespace) -> int:
    from crmlab import files, places
    from crmlab.analysis.analysing import sources_of
    from crmlab.analysis.firm import is_firm
    from crmlab.analysis.matching import Map, matched
    from crmlab.analysis.needs import needs_of
    from crmlab.analysis.template import filled
    from crmlab.errors import InputError
    from crmlab.words import words

    number = places.lesson(chosen.lesson).number
    place = Path(chosen.map or f"map_{number}.toml")
    if place.exists():
        raise InputError(f"{str(place)!r} is there already; name another by --map, or remove it")
    needs = needs_of(chosen.lesson)
    tables = chosen.joined if is_firm(chosen.tables) else chosen.tables
    sources = sources_of(tables, chosen.encoding, chosen.sheet) if tables else []
    found = []
    for source in sources:
        with suppress(InputError):  # which sample it is, is for the user to say
            found += matched(needs, [source], Map())
    files.write_text(place, filled(needs, found, sources))
    known = sum(len(each.uses) for each in found)
    wanted = sum(len(each.sample.columns) for each in found) or sum(
        len(each.columns) for each in needs.samples.values()
    )
    print(words("analyse.wrote_map", place=place, known=known, wanted=wanted))
    return 0


def _analyse(chosen: argparse.Namespace) -> int:
    from crmlab.analysis.firm.rules import rules_of
    from crmlab.analysis.telling import printed
    from crmlab.reports.analyses import analysis_report
    from crmlab.words import words

    own = analysis_report(
        chosen.lesson,
        chosen.tables,
        chosen.map,
        out=chosen.out,
        hypotheses=chosen.hypotheses.split(",") if chosen.hypotheses else None,
        complete_cases=chosen.complete_cases,
        sims=chosen.sims,
        power=chosen.power,
        seed=chosen.seed,
        jobs=chosen.jobs,
        encoding=chosen.encoding,
        sheet=chosen.sheet,
        joined=chosen.joined,
        rules=rules_of(chosen.rule),
        id_column=chosen.id,
    )
    print(printed(own))
    if not chosen.out:
        print(words("analyse.no_out"), file=sys.stderr)
        return 0
    index = Path(chosen.out) / "index.html"
    supported = sum(row.verdict == "supported" for row in own.headlines())
    print("\n" + words("analyse.wrote", index=index, tested=len(own.headlines()), supported=supported))
    return 0
