"""``crmlab data``: real data that some lessons use, listed and downloaded."""

import argparse
import sys


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "data",
        help="list and download real data that lessons use",
        description="Some lessons end on real data. Most come with crmlab or a package; a few are downloaded "
        "once, from an address that names one version for good, and checked by their SHA-256. No lesson "
        "downloads by itself.",
    )
    parser.set_defaults(command=list_command)
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="the data sets, and which are here (default)")
    listed.set_defaults(command=list_command)
    get = actions.add_parser("get", help="download data sets")
    get.add_argument("names", nargs="+", metavar="NAME", help="as crmlab data list shows them")
    get.set_defaults(command=get_command)


def list_command(_chosen: argparse.Namespace) -> int:
    from crmlab.data import downloads
    from crmlab.words import words

    for name in downloads.names():
        here = downloads.is_available(name)
        print(f"{name:10}{words('data.here') if here else words('data.not_here'):10}{downloads.about(name)}")
        if not here:
            print(f"{'':20}{downloads.how_to_get(name)}")
    print(words("data.folder", folder=downloads.folder()))
    return 0


def get_command(chosen: argparse.Namespace) -> int:
    from crmlab.data import downloads
    from crmlab.errors import check_known
    from crmlab.words import words

    check_known("data set", chosen.names, downloads.names())
    for name in chosen.names:
        if name in downloads.PACKAGED:
            print(
                words("data.here_by_package", name=name)
                if downloads.is_available(name)
                else downloads.how_to_get(name)
            )
            continue
        path = downloads.fetch(name, progressbar=sys.stderr.isatty())
        print(words("data.fetched", name=name, path=path, licence=downloads.DOWNLOADS[name].licence))
    return 0
