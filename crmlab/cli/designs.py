"""``crmlab power``, ``ademp``, ``package``: what a researcher asks of a theory's design."""

import argparse
import sys

from crmlab.cli.drawing import write_picture
from crmlab.errors import InputError

PRESETS = ["null", "literature", "claim", "trap"]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the parser."""
    _add_power(commands)
    _add_ademp(commands)
    _add_package(commands)


def _add_power(commands) -> None:
    parser = commands.add_parser(
        "power",
        help="say how many customers a hypothesis' test needs",
        description="Find, by simulation, how many customers a hypothesis' test needs to reach a power, or "
        "how large an effect must be to be seen with it (--over).",
    )
    _add_theory(parser)
    parser.add_argument(
        "hypothesis", metavar="HYPOTHESIS", help="as H2; without --power its power is printed"
    )
    parser.add_argument("--power", metavar="SHARE", type=float, help="the power wanted, as .8")
    parser.add_argument("--over", metavar="PARAMETER", default="n_customers", help="default: n_customers")
    parser.add_argument("--preset", metavar="PRESET", default="literature", help="default: literature")
    parser.add_argument("--estimator", metavar="NAME", help="default: the headline")
    parser.add_argument("--out", metavar="FILE", help="where to draw it, .png or .svg")
    _add_study(parser, 500)
    parser.set_defaults(command=power_command)


def _add_ademp(commands) -> None:
    parser = commands.add_parser(
        "ademp",
        help="write the protocol of a theory's simulation study",
        description="Write a theory's simulation study as a protocol (aims, data-generating mechanisms, "
        "estimands, methods, performance measures), ready to be registered.",
    )
    _add_theory(parser)
    parser.add_argument("--out", metavar="FILE", help="Markdown file to write (default: print it)")
    _add_study(parser, 1000)
    parser.set_defaults(command=ademp_command)


def _add_package(commands) -> None:
    parser = commands.add_parser(
        "package",
        help="run a theory's simulation study and pack it as an RO-Crate",
        description="Run a theory's simulation study in its four worlds and pack protocol, parameters, "
        "seeds, code and results into one zip file, an RO-Crate.",
    )
    _add_theory(parser)
    parser.add_argument("--out", metavar="FILE", required=True, help="zip file to write")
    _add_study(parser, 1000)
    parser.set_defaults(command=package_command)


def _add_theory(parser) -> None:
    parser.add_argument("lesson", metavar="LESSON", help="09, loyalty or 09_loyalty")
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of the market",
    )


def _add_study(parser, sims: int) -> None:
    parser.add_argument("--sims", metavar="N", default=str(sims), help=f"simulations (default: {sims})")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="default: 1")
    parser.add_argument("--jobs", metavar="N", type=int, default=-1, help="processes (default: all cores)")


def power_command(chosen: argparse.Namespace) -> int:
    """Print the answer; draw it if asked."""
    design = _design(chosen, chosen.preset)
    if chosen.power is None:
        print(_power_as_it_is(design, chosen))
        return 0
    answer = design.solve(
        chosen.hypothesis,
        chosen.power,
        over=chosen.over,
        estimator=chosen.estimator,
        sims=_whole("--sims", chosen.sims),
        seed=chosen.seed,
        jobs=chosen.jobs,
    )
    print(answer)
    print(answer.path.round(4).to_string(index=False), file=sys.stderr)
    if chosen.out:
        write_picture(answer.plot, chosen.out)
    return 0


def _power_as_it_is(design, chosen) -> str:
    from crmlab.words import words

    found = design.only(chosen.hypothesis).diagnose(
        sims=_sims(chosen.sims), seed=chosen.seed, jobs=chosen.jobs
    )
    row = found.row(chosen.hypothesis, chosen.estimator)
    return words(
        "power.now",
        hypothesis=chosen.hypothesis,
        estimator=row["estimator"],
        preset=design.preset_name,
        power=row["rejection_rate"],
        error=row["rejection_rate_mcse"],
        estimand=row["estimand"],
    )


def ademp_command(chosen: argparse.Namespace) -> int:
    """Print the protocol, or write it."""
    from crmlab import __version__, files
    from crmlab.design.protocol import ademp

    text = ademp(_design(chosen), _whole("--sims", chosen.sims), chosen.seed, version=__version__)
    if chosen.out:
        print(files.write_text(chosen.out, text), file=sys.stderr)
    else:
        print(text, end="")
    return 0


def package_command(chosen: argparse.Namespace) -> int:
    """Run the study in its four worlds and pack it."""
    import inspect
    from pathlib import Path

    from crmlab import __version__, places
    from crmlab.design.crate import write_crate

    design = _design(chosen)
    if Path(chosen.out).suffix != ".zip":
        raise InputError(f"--out is {chosen.out!r}; give a file that ends in .zip")
    found = design.vary(preset=[name for name in PRESETS if name in design.presets]).diagnose(
        sims=_sims(chosen.sims), seed=chosen.seed, jobs=chosen.jobs
    )
    lesson = places.lesson(chosen.lesson)
    module = Path(inspect.getfile(design.model))
    sources = {
        f"code/{module.name}": module.read_bytes(),
        f"code/{lesson.path.name}": lesson.path.read_bytes(),
    }
    print(write_crate(chosen.out, design, found, __version__, sources))
    return 0


def _design(chosen, preset: str | None = None):
    """The theory's design, under a preset and with the parameters that the user set."""
    from crmlab.notebook.parameters import pairs
    from crmlab.theories import design_of

    design = design_of(chosen.lesson)
    if preset is not None:
        design = design.preset(preset)
    return design.replace(
        **{name: _value(design, name, text) for name, text in pairs(chosen.parameters).items()}
    )


def _value(design, name: str, text: str):
    """A parameter's text as the parameter's type."""
    known = getattr(design.parameters, name, None)
    if isinstance(known, bool) or not isinstance(known, int | float):
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return type(known)(text)
    except ValueError:
        raise InputError(f"-p {name} is {text!r}; give a {type(known).__name__}") from None


def _sims(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _whole(flag: str, text: str) -> int:
    if not text.isdigit():
        raise InputError(f"{flag} is {text!r}; give a whole number")
    return int(text)
