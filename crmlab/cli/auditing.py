"""``crmlab audit``: in which markets a claimed number is so."""

import argparse

from crmlab.cli.drawing import write_picture
from crmlab.errors import InputError


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "audit",
        help="say in which markets a claimed number is so",
        description="Hold a number that the sources claim, or one's own, against all markets of a region: "
        "the share in which it holds, the map, which claims exclude each other. Without a name: the list.",
    )
    parser.add_argument("claim", metavar="CLAIM", nargs="?", help="as 80-20; see the list")
    parser.add_argument("--quantity", metavar="NAME", help="of one's own claim: one of the list's")
    parser.add_argument(
        "--between", metavar=("LOW", "HIGH"), nargs=2, type=float, help="what is claimed; inf for no end"
    )
    parser.add_argument(
        "--range",
        dest="ranges",
        metavar="NAME=LOW,HIGH",
        action="append",
        default=[],
        help="a parameter's range in place of the usual; NAME=VALUE fixes it",
    )
    parser.add_argument("--with", dest="other", metavar="CLAIM", help="how often both hold")
    parser.add_argument(
        "--summary", metavar="FILE", help="customers.csv of crmlab fit: your own market's ranges"
    )
    parser.add_argument(
        "--time-unit", default="W", metavar="UNIT", help="of that file: D, W (default), M or Y"
    )
    parser.add_argument("--points", type=int, default=4096, metavar="N", help="markets (default: 4096)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--out", metavar="FILE", help="where to draw the map, .png or .svg")
    parser.set_defaults(command=audit_command)


def audit_command(chosen: argparse.Namespace) -> int:
    """Print what was found; draw it if asked."""
    from crmlab.claims import audit

    if chosen.claim is None and chosen.quantity is None:
        print(_list())
        return 0
    claim = _claim(chosen)
    ranges = _own(chosen) | _ranges(chosen.ranges, claim.quantity)
    found = audit(claim, ranges, points=chosen.points, seed=chosen.seed)
    print(found)
    for note in _notes(found):
        print(note)
    if chosen.other:
        print(_together(claim, chosen, ranges))
    if chosen.out:
        from crmlab.plots.claims import claim_map

        write_picture(lambda: claim_map(found), chosen.out)
    return 0


def _list() -> str:
    from crmlab.claims import EXCLUSIONS, NUMBERS, QUANTITIES
    from crmlab.words import words

    width = max(map(len, [*NUMBERS, *QUANTITIES])) + 2
    lines = [words("claims.h_claims")]
    lines += [f"  {name:<{width}}{claim.reading}" for name, claim in NUMBERS.items()]
    lines += ["", words("claims.h_quantities")]
    for name, quantity in QUANTITIES.items():
        lines.append(f"  {name:<{width}}{quantity.about}")
        for parameter, one in quantity.ranges.items():
            lines.append(f"  {'':<{width}}  {parameter}={one.low:g},{one.high:g}  {one.about}")
    lines += ["", words("claims.h_exclusions")]
    lines += [f"  {each.first} × {each.second}: {each.why}" for each in EXCLUSIONS]
    return "\n".join(lines)


def _claim(chosen):
    from crmlab.claims import NUMBERS, QuantitativeClaim
    from crmlab.errors import check_known

    if chosen.claim is not None:
        if chosen.quantity or chosen.between:
            raise InputError("a claim of the list has its quantity and values; leave CLAIM out for your own")
        check_known("claim", [chosen.claim], NUMBERS)
        return NUMBERS[chosen.claim]
    if chosen.between is None:
        raise InputError(
            "--between is missing: --quantity needs the values that are claimed, as --between .75 .85"
        )
    return QuantitativeClaim("own claim", chosen.quantity, *chosen.between)


def _ranges(given: list[str], quantity: str) -> dict:
    from crmlab.claims import QUANTITIES, Range
    from crmlab.errors import check_known

    found = {}
    for each in given:
        name, mark, values = each.partition("=")
        try:
            numbers = [float(value) for value in values.split(",")]
        except ValueError:
            numbers = []
        if not mark or len(numbers) not in (1, 2):
            raise InputError(f"--range {each}: write NAME=LOW,HIGH or NAME=VALUE, as k=0.3,0.8")
        check_known("parameter of --range", [name], QUANTITIES[quantity].ranges)
        usual = QUANTITIES[quantity].ranges[name]
        low, high = numbers[0], numbers[-1]
        found[name] = Range(low, high, usual.about, usual.log and low > 0)
    return found


def _own(chosen) -> dict:
    if chosen.summary is None:
        return {}
    import pandas as pd

    from crmlab.claims import own_market
    from crmlab.words import words

    own = own_market(_table(pd, chosen.summary), chosen.time_unit, seed=chosen.seed)
    print(words("claims.seen", **own.seen))
    for name, one in own.ranges.items():
        print(f"  {name}={one.low:.3g},{one.high:.3g}")
    return own.ranges


def _table(pd, path: str):
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"--summary {path} cannot be read: {error}") from None
    missing = [name for name in ("frequency", "recency", "T") if name not in table]
    if missing:
        raise InputError(f"--summary {path} lacks {', '.join(missing)}; give the customers.csv of crmlab fit")
    return table


def _notes(found) -> list[str]:
    from crmlab.claims import EXCLUSIONS
    from crmlab.words import words

    notes = [words("claims.impossible", share=found.impossible)] if found.impossible else []
    for each in EXCLUSIONS:
        if found.claim.name in (each.first, each.second):
            other = each.second if found.claim.name == each.first else each.first
            notes.append(words("claims.excludes", other=other, why=each.why))
    return notes


def _together(claim, chosen, ranges) -> str:
    from crmlab.claims import NUMBERS, both
    from crmlab.errors import check_known
    from crmlab.words import words

    check_known("claim of --with", [chosen.other], NUMBERS)
    found = both(claim, NUMBERS[chosen.other], ranges, points=chosen.points, seed=chosen.seed)
    return words("claims.both", other=chosen.other, **found)
