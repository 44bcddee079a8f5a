"""argparse with what programs of Prometheus's world do: flags from the environment, and errors that help."""

import argparse
import difflib
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

WRONG_USE = 2

PREFIX = "AWS_VPN_EXPORTER_"

_WORDS = {"true": True, "1": True, "false": False, "0": False}


def variable(flag: str) -> str:
    """The environment variable of a flag: AWS_VPN_EXPORTER_CONFIG_FILE for --config.file."""
    return PREFIX + flag.lstrip("-").upper().replace(".", "_").replace("-", "_")


class Repeated(argparse.Action):
    """A flag that may be given several times; the first time replaces the default."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        """Adds one value."""
        so_far = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (values,) if so_far is self.default else (*so_far, values))


class FlagParser(argparse.ArgumentParser):
    """A parser of one command's flags, or of the command's name."""

    def __init__(self, *, prog: str, description: str, epilog: str, **more: Any) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **more,
        )
        self._from_environment: set[str] = set()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, with flags of the environment; nothing stays unknown."""
        given = list(sys.argv[1:] if args is None else args)
        # Before argparse, which would complain about a missing flag or command in place of the one that is misspelt.
        for argument in itertools.takewhile(lambda one: one.startswith("-"), given) if self.commands() else given:
            self._known_flag(argument)
        if self.commands() and given and not given[0].startswith("-"):
            self._known_command(given[0])
        parsed, unknown = super().parse_known_args([*self._given_by_environment(given), *given], namespace)
        if unknown:
            self.error(f"unexpected argument {unknown[0]!r}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Prints one line and where to read on, instead of the whole usage."""
        flag = message.partition("argument ")[2].partition(":")[0].partition("/")[0]
        source = f" (from {variable(flag)})" if flag in self._from_environment else ""
        see = " See" if message.endswith("?") else "; see"
        self.exit(WRONG_USE, f"{self.prog}: {message}{source}{see} `{self.prog} --help`\n")

    def flags(self) -> Iterator[argparse.Action]:
        """Each flag, --help aside."""
        return (action for action in self._actions if action.option_strings and action.dest not in ("help", "version"))

    def commands(self) -> Mapping[str, "FlagParser"]:
        """The parser of each command."""
        groups = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return groups[0].choices if groups else {}

    def _given_by_environment(self, given: Sequence[str]) -> Iterator[str]:
        for action in self.flags():
            flag = action.option_strings[0]
            value = os.environ.get(variable(flag), "")
            if not value or any(one.partition("=")[0] in action.option_strings for one in given):
                continue
            self._from_environment.add(flag)
            if action.nargs == 0:
                if value.lower() not in _WORDS:
                    self.error(f"argument {flag}: should be true or false, not {value!r}")
                if _WORDS[value.lower()]:
                    yield flag
            else:
                for one in value.split(",") if isinstance(action, Repeated) else (value,):
                    yield f"{flag}={one.strip()}"

    def _known_command(self, name: str) -> None:
        known = list(self.commands())
        if name not in known:
            self.error(f"there is no command {name!r}{_nearest(name, known)}")

    def _known_flag(self, argument: str) -> None:
        name = argument.partition("=")[0]
        known = [flag for action in self._actions for flag in action.option_strings]
        if name.startswith("--") and name not in known:
            self.error(f"unknown flag {name}{_nearest(name, known)}")


def _nearest(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, 1)
    if not similar:
        # Its end alone, such as --listen-address.
        similar = [one for one in known if name.strip("-") and one.endswith(name.strip("-"))][:1]
    return f"; did you mean {similar[0]}?" if similar else ""
