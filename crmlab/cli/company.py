"""``crmlab company``: the joint market, simulated into tables that a firm has and a truth that it has not."""

import argparse
import sys


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser(
        "company",
        help="simulate one company in which all theories meet, into tables and their truth",
        description="One customer base with needs, satisfaction, trust, membership, service, campaigns, "
        "surveys and reviews, whose truth is known.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_simulate(actions)
    truths = actions.add_parser(
        "parameters",
        help="list the truth's parameters",
        description="List the truth's parameters: their values in the four presets, units and sources.",
    )
    truths.set_defaults(command=parameters_command)


def _add_simulate(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "simulate",
        help="simulate customers and write their tables",
        description="Simulate customers and write DIR/tables, which a firm has, and DIR/truth, which it has "
        "not. Interrupted, the same command goes on with the part at which it was.",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write")
    parser.add_argument(
        "--preset",
        default="literature",
        metavar="NAME",
        help="null, literature, claim or trap (default: literature)",
    )
    parser.add_argument("--customers", type=int, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--months", type=int, default=36, metavar="N", help="default: 36")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--parts", type=int, metavar="N", help="default: one for every 100,000 customers")
    parser.add_argument(
        "--format", default="parquet", metavar="NAME", help="parquet or csv (default: parquet)"
    )
    parser.add_argument(
        "--do",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="fix something: membership, crm, campaign, second_channel, recovery to 0 (nobody) or 1 "
        "(everybody); service, price; since=MONTH",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="change the truth (crmlab company parameters lists it)",
    )
    parser.set_defaults(command=simulate_command)


def simulate_command(chosen: argparse.Namespace) -> int:
    """Write the company, part by part."""
    from crmlab.company import Company, CompanyParameters, Interventions, preset
    from crmlab.company.parts import write_parts
    from crmlab.notebook.parallel import bar
    from crmlab.notebook.parameters import pairs
    from crmlab.words import words

    changes = _numbers(pairs(chosen.parameters), CompanyParameters())
    truth = preset(chosen.preset, **changes)
    company = Company(truth, customers=chosen.customers, months=chosen.months, seed=chosen.seed)
    company = company.do(**_numbers(pairs(chosen.do, "--do"), Interventions()))
    done = 0
    progress = write_parts(company, chosen.out, parts=chosen.parts, form=chosen.format)
    try:
        done, parts = next(progress)
        title, unit = words("company.simulating"), words("company.part_unit")
        with bar(parts, title, unit, done, shown=parts > 1) as shown:
            for done, _ in progress:
                shown.update(done - shown.n)
    except KeyboardInterrupt:
        print("crmlab: " + words("company.interrupted", done=done, folder=chosen.out), file=sys.stderr)
        return 130
    print(words("company.wrote", folder=chosen.out))
    return 0


def parameters_command(_chosen: argparse.Namespace) -> int:
    """Print the truth in the four presets."""
    from crmlab.company import presets_table

    print(presets_table().to_string(index=False, justify="left"))
    return 0


def _numbers(texts: dict[str, str], known: object) -> dict[str, float]:
    """Values as numbers, whole ones where they are switches or counts."""
    from dataclasses import fields

    from crmlab.errors import InputError, check_known

    check_known("name", texts, [each.name for each in fields(known)])
    values: dict[str, float] = {}
    for name, text in texts.items():
        try:
            values[name] = int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise InputError(f"{name}={text}: give a number") from None
    return values
