"""``crmlab fit``: from a transaction log to what customers are worth."""

import sys


def add_commands(commands):
    parser = commands.add_parser(
        "fit",
        help="fit a customer-base model to a transaction log and write a report",
        description="Read a transaction log of any size, fit a customer-base model, hold it against a "
        "holdout, and write a report: index.html, customers.csv with P(alive), expected purchases and value, "
        "parameters.json.",
    )
    parser.add_argument(
        "log", metavar="LOG", help="CSV or Parquet file, a folder of them, or a pattern in quotes"
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write")
    parser.add_argument(
        "--model", default="bgnbd", metavar="MODEL", help="bgnbd (default), mbgnbd or paretonbd"
    )
    parser.add_argument("--customer-id", default="customer_id", metavar="COLUMN", help="default: customer_id")
    parser.add_argument("--date", default="date", metavar="COLUMN", help="default: date")
    money = parser.add_mutually_exclusive_group()
    money.add_argument("--amount", default="amount", metavar="COLUMN", help="default: amount")
    money.add_argument(
        "--no-amount", dest="amount", action="store_const", const=None, help="the log has no money"
    )
    parser.add_argument(
        "--observation-end", metavar="DATE", help="last day observed (default: the last in the log)"
    )
    parser.add_argument(
        "--calibration-end", metavar="DATE", help="last day of calibration; the rest is the holdout"
    )
    parser.add_argument("--time-unit", default="W", metavar="UNIT", help="D, W (default), M or Y")
    parser.add_argument(
        "--horizon", type=float, metavar="TIME", help="how far ahead, in units of time (default: a year)"
    )
    parser.add_argument(
        "--discount-rate", type=float, default=0.1, metavar="RATE", help="a year (default: 0.1)"
    )
    parser.add_argument(
        "--margin", type=float, default=1.0, metavar="SHARE", help="of an amount that is profit (default: 1)"
    )
    parser.add_argument(
        "--date-format",
        metavar="FORMAT",
        help="as %%d.%%m.%%Y, 'epoch seconds' or 'epoch milliseconds' (default: ISO 8601)",
    )
    parser.add_argument(
        "--time-zone", metavar="ZONE", help="in which days of instants are counted, as Europe/Berlin"
    )
    for name, choices, about in RULES:
        parser.add_argument(
            f"--{name}", choices=choices, default=choices[0], help=f"{about} (default: {choices[0]})"
        )
    parser.add_argument(
        "--memory-limit", default="512MB", metavar="SIZE", help="for reading the log (default: 512MB)"
    )
    parser.add_argument("--temp-directory", metavar="DIR", help="for what does not fit into it")
    parser.set_defaults(command=fit_command)


RULES = (
    ("refunds", ("net", "ignore", "refuse"), "rows with a negative amount"),
    ("zeros", ("count", "ignore"), "rows with amount 0"),
    ("duplicates", ("keep", "drop"), "rows alike in customer, time and amount"),
    ("missing", ("ignore", "refuse"), "rows without a customer, date or amount"),
    ("unreadable", ("refuse", "ignore"), "dates and amounts that cannot be read"),
)


def fit_command(chosen):
    from pathlib import Path

    from crmlab.reports import customer_report
    from crmlab.words import words

    options = {name: value for name, value in vars(chosen).items() if name not in ("command", "log")}
    report = customer_report(chosen.log, progress=sys.stderr.isatty() or None, **options)
    print(report.model)
    if report.spend is not None:
        print(f"\n{report.spend}")
    if report.holdout is not None:
        low, high = report.holdout.interval
        print(
            "\n"
            + words(
                "fit.printed_holdout",
                made=f"{report.holdout.made:,.0f}",
                low=f"{low:,.0f}",
                high=f"{high:,.0f}",
                expected=f"{report.holdout.expected:,.0f}",
            )
        )
    met = report.data[report.data["rows"] > 0]
    width = max(map(len, map("{:,}".format, met["rows"])))
    print("\n" + words("fit.h_data"))
    for rule, rows, done in met.itertuples(index=False):
        print(f"{rows:>{width + 2},}  {rule}: {done}")
    for note in report.notes:
        print(note, file=sys.stderr)
    print(
        "\n"
        + words("fit.wrote", index=Path(chosen.out) / "index.html", customers=f"{len(report.customers):,}")
    )
    return 0
