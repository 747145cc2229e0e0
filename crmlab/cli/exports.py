"""``crmlab import`` and ``crmlab export``: tables out of a CRM system, and scores back into it."""

import argparse
import sys

SYSTEMS = ("zoho", "fxiaoke", "hubspot", "salesforce")
READING = (
    (
        "date-format",
        "FORMAT",
        "of dates that could be several, as %%d/%%m/%%Y; more than one: set apart by |",
    ),
    ("time-zone", "ZONE", "whose clock shows instants, as Asia/Shanghai (default: UTC)"),
    ("decimal", "MARK", "decimal mark of amounts that leave it open"),
    ("thousands", "MARK", "mark between thousands of amounts that leave it open"),
    ("encoding", "NAME", "of text files that are neither UTF-8 nor UTF-16 nor GBK"),
    ("currency", "CODE", "whose purchases make the log, where there are several"),
)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``import`` and ``export``."""
    _add_import(commands)
    _add_export(commands)
    _add_demo(commands)


def _add_import(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "import",
        help="read an export of a CRM system: tables, a transaction log, an audit",
        description="Read an export of a CRM system (CSV, XLSX, JSON lines, a ZIP of them, a folder) into "
        "tables of customers, contacts, deals, orders, cases and members, and a transaction log for crmlab "
        "fit. Every row that is dropped is listed with the reason; labels that are not known are guessed, "
        "with the confidence shown; the map that is written can be edited and passed back.",
    )
    parser.add_argument(
        "export", metavar="EXPORT", help="a CSV, XLSX or JSON file, a ZIP of them, or a folder"
    )
    parser.add_argument(
        "--from", dest="system", choices=SYSTEMS, help="the system it comes from (or the map says)"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for tables, transactions.csv, audit and map")
    parser.add_argument(
        "--map",
        metavar="FILE",
        help="labels, stages and formats of your own; written where it is not there yet",
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be read; write no table")
    reading = parser.add_argument_group("how the export is written")
    for name, value, about in READING:
        reading.add_argument(f"--{name}", metavar=value, help=about)
    reading.add_argument(
        "--unreadable", choices=("refuse", "drop"), help="rows with what cannot be read (default: refuse)"
    )
    privacy = parser.add_argument_group("persons")
    privacy.add_argument(
        "--personal", action="store_true", help="keep names, addresses and the like (default: left out)"
    )
    salt = privacy.add_mutually_exclusive_group()
    salt.add_argument("--salt", metavar="TEXT", help="replace ids by their HMAC-SHA256 under this key")
    salt.add_argument("--salt-file", metavar="FILE", help="the same, with the key in a file")
    privacy.add_argument(
        "--keys",
        metavar="FILE",
        help="write which hash is which customer, to be held apart; crmlab export reads it",
    )
    parser.set_defaults(command=import_command)


def _add_export(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export",
        help="write scores of crmlab fit as a file that a CRM system imports",
        description="Write customers.csv of crmlab fit as a CSV that a CRM system imports: customer id, "
        "P(alive), expected purchases, expected value, tier (A: the fifth with the highest value, B: the "
        "next three tenths, C: the rest), under labels for custom fields that are to be made there first.",
    )
    parser.add_argument("scores", metavar="SCORES", help="customers.csv of crmlab fit")
    parser.add_argument("--to", dest="system", choices=SYSTEMS, required=True, help="the system")
    parser.add_argument("--out", metavar="FILE", required=True, help="the CSV to write")
    parser.add_argument(
        "--keys", metavar="FILE", help="what crmlab import --keys wrote, where ids were hashed"
    )
    parser.set_defaults(command=export_command)


def _add_demo(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "demo-export",
        help="write the export of a made-up company, to try crmlab import on",
        description="Simulate a company and write its customers, purchases, complaints and members as a CRM "
        "system would export them.",
    )
    parser.add_argument("--from", dest="system", choices=SYSTEMS, required=True, help="the system")
    parser.add_argument("--out", metavar="PATH", required=True, help="a ZIP, or a folder")
    parser.add_argument("--customers", type=int, default=2000, metavar="N", help="(default: 2000)")
    parser.add_argument("--months", type=int, default=36, metavar="N", help="(default: 36)")
    parser.add_argument("--preset", default="literature", help="null, literature (default), claim or trap")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    parser.set_defaults(command=demo_command)


def import_command(chosen: argparse.Namespace) -> int:
    """Read an export and write what was read, or show it."""
    from pathlib import Path

    from crmlab.data.exports import import_export
    from crmlab.data.exports.keeping import map_text
    from crmlab.errors import InputError, speaking_of_flags
    from crmlab.files import write_text
    from crmlab.words import words

    with speaking_of_flags():
        if chosen.out is None and not chosen.dry_run:
            raise InputError("--out is missing; name a folder, or look first by --dry-run")
        if chosen.keys and not (chosen.salt or chosen.salt_file):
            raise InputError("--keys is for hashed ids; give --salt or --salt-file, too")
        new_map = chosen.map is not None and not Path(chosen.map).exists()
        done = import_export(
            chosen.export,
            chosen.system,
            None if new_map else chosen.map,
            salt=_salt(chosen),
            personal=chosen.personal,
            unreadable=chosen.unreadable,
            **{name: getattr(chosen, name) for name in (each.replace("-", "_") for each, _, _ in READING)},
        )
    print(done)
    if new_map:
        print("\n" + words("exports.wrote_map", path=write_text(chosen.map, map_text(done))))
    if not chosen.dry_run:
        done.write(chosen.out)
        print("\n" + words("exports.wrote", folder=chosen.out))
        if done.log is not None:
            print(words("exports.next", path=Path(chosen.out) / "transactions.csv", folder=chosen.out))
        if chosen.keys:
            write_text(chosen.keys, done.keys.to_csv(index=False, lineterminator="\n"))
    if done.problems:
        print("crmlab: " + words("exports.not_all", count=len(done.problems)), file=sys.stderr)
    return 1 if done.problems else 0


def _salt(chosen: argparse.Namespace) -> str | None:
    from pathlib import Path

    return Path(chosen.salt_file).read_text(encoding="utf-8").strip() if chosen.salt_file else chosen.salt


def export_command(chosen: argparse.Namespace) -> int:
    """Write scores for a system."""
    from crmlab.data.exports import card, write_scores
    from crmlab.errors import speaking_of_flags
    from crmlab.words import translated, words

    with speaking_of_flags():
        made = write_scores(chosen.scores, chosen.system, chosen.out, keys=chosen.keys)
    tiers = ", ".join(f"{name} {count:,}" for name, count in made.tiers.items())
    print(words("exports.wrote_scores", path=made.path, customers=f"{made.rows:,}", tiers=tiers))
    for reason, ids in made.dropped.items():
        print(
            words(
                "exports.scores_dropped",
                rows=f"{len(ids):,}",
                why=reason,
                first=", ".join(map(repr, ids[:3])),
            )
        )
    print(translated(made.how))
    print(words("exports.not_verified", name=card(chosen.system).name))
    print("\n".join(f"  - {translated(each)}" for each in card(chosen.system).not_verified))
    return 1 if made.dropped else 0


def demo_command(chosen: argparse.Namespace) -> int:
    """Write the export of a simulated company."""
    from crmlab.company import Company
    from crmlab.data.exports import market_tables, write_export
    from crmlab.words import words

    company = Company(chosen.preset, customers=chosen.customers, months=chosen.months, seed=chosen.seed)
    tables = market_tables(company.simulate(keep=["orders", "complaints"]).tables)
    paths = write_export(tables, chosen.system, chosen.out)
    rows = ", ".join(f"{name} {len(table):,}" for name, table in tables.items())
    print(words("exports.wrote_demo", path=", ".join(map(str, paths)), rows=rows))
    print(words("exports.next_demo", path=chosen.out, system=chosen.system))
    return 0
