"""``crmlab fit``: from a transaction log to what customers are worth."""

import argparse
import sys
from pathlib import Path
from typing import Any

READING = (
    (
        "date-format",
        "FORMAT",
        "as %%d.%%m.%%Y or 'epoch milliseconds' (default: ISO 8601); several, set apart by |, are tried",
    ),
    ("time-zone", "ZONE", "in which days of instants are counted, as Europe/Berlin (default: UTC)"),
    ("decimal", "MARK", "decimal mark of amounts (default: .)"),
    ("thousands", "MARK", "mark between thousands of amounts (default: none)"),
    ("currency", "SIGN", "of amounts: passed over in the log, shown in the report, as €"),
    ("cancelled", "COLUMN=PATTERN", "rows that cancel others, as 'InvoiceNo=C*': refunds, not purchases"),
    ("encoding", "NAME", "of text files, as latin-1 (default: utf-8)"),
    ("columns", "NAMES", "of text files whose first line is data, as customer_id,date,discs,amount"),
    ("delimiter", "MARK", "between columns of text files (default: found out); 'whitespace' for any blanks"),
    ("sheet", "NAME", "of a spreadsheet that has several"),
)
RULES = (
    ("refunds", ("net", "ignore", "refuse"), "rows with a negative amount"),
    ("zeros", ("count", "ignore"), "rows with amount 0"),
    ("duplicates", ("keep", "drop"), "rows alike in customer, time and amount"),
    ("missing", ("ignore", "refuse"), "rows without a customer, date or amount"),
    ("unreadable", ("refuse", "ignore"), "dates and amounts that cannot be read"),
)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``fit``."""
    parser = commands.add_parser(
        "fit",
        help="fit a customer-base model to a transaction log and write a report",
        description="Read a transaction log of any size, fit a customer-base model, hold it against a "
        "holdout, and write a report: index.html, customers.csv with P(alive), expected purchases and value, "
        "parameters.json.",
    )
    parser.add_argument(
        "log",
        metavar="LOG",
        help="CSV, JSON lines, Parquet, spreadsheet or zip; a folder of them, or a pattern in quotes",
    )
    parser.add_argument("--out", metavar="DIR", help="folder to write")
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be read: first rows, ranges, doubts"
    )
    parser.add_argument(
        "--in-parts",
        action="store_true",
        help="for more customers than memory holds: fit from counts, and write customers as Parquet files; "
        "interrupted and called again, it goes on where it was",
    )
    _add_columns(parser.add_argument_group("columns"))
    _add_reading(parser.add_argument_group("how the log is written"))
    _add_model(parser.add_argument_group("model"))
    rules = parser.add_argument_group("rules for rows")
    for name, choices, about in RULES:
        rules.add_argument(
            f"--{name}", choices=choices, default=choices[0], help=f"{about} (default: {choices[0]})"
        )
    parser.set_defaults(command=fit_command)


def _add_columns(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--customer-id", default="customer_id", metavar="COLUMN", help="default: customer_id")
    group.add_argument("--date", default="date", metavar="COLUMN", help="default: date")
    money = group.add_mutually_exclusive_group()
    money.add_argument(
        "--amount",
        default="amount",
        metavar="COLUMN",
        help="default: amount; may be arithmetic on columns, as 'Quantity*UnitPrice'",
    )
    money.add_argument(
        "--no-amount", dest="amount", action="store_const", const=None, help="the log has no money"
    )


def _add_reading(group: argparse._ArgumentGroup) -> None:
    for name, value, about in READING:
        group.add_argument(f"--{name}", metavar=value, help=about)
    group.add_argument(
        "--memory-limit", default="512MB", metavar="SIZE", help="for reading the log (default: 512MB)"
    )
    group.add_argument("--temp-directory", metavar="DIR", help="for what does not fit into it")


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        default="bgnbd",
        metavar="MODEL",
        help="bgnbd (default), mbgnbd, paretonbd, mbgcnbd for regular purchases; bgbb for purchases by "
        "period, sbg for contracts, one row a payment",
    )
    group.add_argument(
        "--observation-end", metavar="DATE", help="last day observed (default: the last in the log)"
    )
    group.add_argument(
        "--calibration-end", metavar="DATE", help="last day of calibration; the rest is the holdout"
    )
    group.add_argument(
        "--time-unit",
        metavar="UNIT",
        help="D, W (default), M or Y; for bgbb and sbg the period, M by default",
    )
    group.add_argument(
        "--horizon", type=float, metavar="TIME", help="how far ahead, in units of time (default: a year)"
    )
    group.add_argument(
        "--discount-rate", type=float, default=0.1, metavar="RATE", help="a year (default: 0.1)"
    )
    group.add_argument(
        "--season",
        metavar="KIND",
        help="purchases come by the time of the year: monthly, quarterly, waves, waves-2 or waves-3",
    )
    group.add_argument(
        "--covariates",
        metavar="FILE",
        help="CSV or Parquet: customers, covariates, and a column 'period' (its first day) if they change",
    )
    group.add_argument(
        "--covariates-of",
        default="purchases",
        metavar="PROCESS",
        help="what covariates act on: purchases (default), dropout or both",
    )
    group.add_argument(
        "--margin", type=float, default=1.0, metavar="SHARE", help="of an amount that is profit (default: 1)"
    )


def fit_command(chosen: argparse.Namespace) -> int:
    """Read, fit and write, or show what would be read."""
    from crmlab.errors import InputError, speaking_of_flags

    options = {
        name: value for name, value in vars(chosen).items() if name not in ("command", "dry_run", "in_parts")
    }
    with speaking_of_flags():
        if chosen.dry_run:
            return _show(options)
        if chosen.out is None:
            raise InputError("--out is missing; name a folder for the report, or look first by --dry-run")
        unit = options.pop("time_unit")
        options |= {} if unit is None else {"time_unit": unit}
        if chosen.model in ("bgbb", "sbg") and not chosen.in_parts:
            return _fit_periods(options)
        return _fit_in_parts(options) if chosen.in_parts else _fit(options)


def _show(options: dict[str, object]) -> int:
    from crmlab.data.logs import LogOptions
    from crmlab.data.logs.preview import preview

    kept = ("log", "customer_id", "date", "amount", *LogOptions.__annotations__)
    found = preview(**{name: value for name, value in options.items() if name in kept})
    print(found)
    return 0 if found.readable else 1


def _refuse_covariates(options: dict[str, object], what: str) -> None:
    """Take away what only fits with covariates know, and refuse it where it was given."""
    from crmlab.errors import InputError

    given = [options.pop(name) for name in ("season", "covariates")]
    options.pop("covariates_of")
    if any(each is not None for each in given):
        raise InputError(f"{what} knows no --season and no --covariates; leave these, or {what}, out")


def _fit_in_parts(options: dict[str, object]) -> int:
    from crmlab.reports import report_in_parts
    from crmlab.reports.telling import facts, printed
    from crmlab.words import words

    _refuse_covariates(options, "--in-parts")
    try:
        report = report_in_parts(progress=sys.stderr.isatty() or None, **options)
    except KeyboardInterrupt:
        print(f"crmlab: {words('fit.interrupted', out=options['out'])}", file=sys.stderr)
        return 130
    print(printed(report) + "\n")
    for name, value, between in facts(report):
        print(f"{name}: {value}{f' ({between})' if between else ''}")
    _print_holdout(report.holdout)
    _print_rows(report.parts.attrs["report"])
    for note in report.notes:
        print(note, file=sys.stderr)
    index = report.customers.parent / "index.html"
    print("\n" + words("fit.wrote", index=index, customers=f"{report.size:,}"))
    return 0


def _print_holdout(holdout: Any) -> None:
    """What was made and expected in the holdout, if there is one."""
    from crmlab.words import words

    if holdout is not None:
        low, high = (f"{each:,.0f}" for each in holdout.interval)
        made, expected = f"{holdout.made:,.0f}", f"{holdout.expected:,.0f}"
        print("\n" + words("fit.printed_holdout", made=made, expected=expected, low=low, high=high))


def _print_rows(report: list[dict[str, object]]) -> None:
    """What became of the rows of the log."""
    from crmlab.words import words

    met = [each for each in report if each["rows"]]
    width = max(len(f"{each['rows']:,}") for each in met)
    print("\n" + words("fit.h_data"))
    for each in met:
        print(f"{each['rows']:>{width + 2},}  {each['rule']}: {each['done']}")


def _fit_periods(options: dict[str, object]) -> int:
    from crmlab.reports import period_report
    from crmlab.reports.period_pages import story

    _refuse_covariates(options, f"--model {options['model']}")
    report = period_report(progress=sys.stderr.isatty() or None, **options)
    parts = [str(each).rsplit("\n\n", 1)[0] for each in (report.model, report.spend) if each is not None]
    print("\n\n".join([*parts, " ".join(story(report))]))
    return _told(report, Path(str(options["out"])) / "index.html")


def _told(report: Any, index: Path) -> int:
    """What became of the rows, what is to be minded, and where the report is."""
    from crmlab.words import words

    _print_rows(report.summary.attrs["report"])
    for note in report.notes:
        print(note, file=sys.stderr)
    print("\n" + words("fit.wrote", index=index, customers=f"{len(report.customers):,}"))
    return 0


def _fit(options: dict[str, object]) -> int:
    from crmlab.reports import customer_report
    from crmlab.reports.telling import printed

    report = customer_report(progress=sys.stderr.isatty() or None, **options)
    print(printed(report))
    _print_holdout(report.holdout)
    return _told(report, Path(str(options["out"])) / "index.html")
