"""The configuration file: YAML to a frozen Config, or a ConfigError that names file, line, key and remedy.

Scalars are read as text and given their type by the schema, so that an account id keeps its leading zero and the
region `no` stays a word. Aliases, doubled keys and unknown keys are errors.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from aws_vpn_exporter import devices
from aws_vpn_exporter.devices import DeviceError, DeviceSettings
from aws_vpn_exporter.fields import Block, Duration
from aws_vpn_exporter.options import BY_KEY, OPTIONS, Option, OptionValue, OptionValues, ordered
from aws_vpn_exporter.policy import Policy, Settings, tag_label
from aws_vpn_exporter.sources import SOURCES, SourceBlock
from aws_vpn_exporter.target import UNKNOWN_ACCOUNT, Account, Regions
from aws_vpn_exporter.wording import duration

_LARGEST_FILE = 1024 * 1024

Path_ = tuple[str | int, ...]
"""Where a value stands in the document: keys and list positions from the top."""


Schema = TypeVar("Schema", bound=BaseModel)


class ConfigError(Exception):
    """A configuration that cannot be used. Each line of the message is one complaint: file:line: key: remedy."""


def _distinct_labels(keys: tuple[str, ...]) -> tuple[str, ...]:
    labels = [tag_label(key) for key in _distinct(keys)]
    clash = [key for key, label in zip(keys, labels, strict=True) if labels.count(label) > 1]
    if clash:
        raise ValueError(f"{' and '.join(clash)} would be the same label {tag_label(clash[0])}; keep one of them")
    return keys


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"should name each one once; doubled: {', '.join(doubled)}")
    return values


REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-[0-9]+$"
_ADDRESS = r"^[0-9a-fA-F.:]+$"
_ACCOUNT_ID = r"^[0-9]{12}$"
_ROLE_ARN = r"^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[\w+=,.@/-]+$"
_ROLE_NAME = r"^[\w+=,.@/-]*(\{account_id\}[\w+=,.@/-]*)?$"
_UNIT_ID = r"^(r|ou)-[0-9a-z-]+$"
_CONNECTION_ID = r"^vpn-[0-9a-f]+$"
AccountId = Annotated[str, Field(pattern=_ACCOUNT_ID)]
RoleArn = Annotated[str, Field(pattern=_ROLE_ARN)]
ExternalId = Annotated[str, Field(min_length=2, max_length=1224)]
UnitId = Annotated[str, Field(pattern=_UNIT_ID)]
Region = Annotated[str, Field(pattern=REGION_PATTERN)]
ConnectionId = Annotated[str, Field(pattern=_CONNECTION_ID)]
TagKey = Annotated[str, Field(min_length=1, max_length=128)]


def _word_or_block(value: object) -> str:
    return "word" if isinstance(value, str) else "block"


def _all_or(block: Any) -> Any:
    """The word `all`, or the block: told apart by form, so that a complaint is about the one that was meant."""
    return Annotated[
        Annotated[Literal["all"], Tag("word")] | Annotated[block, Tag("block")], Discriminator(_word_or_block)
    ]


def _option_type(option: Option) -> Any:
    if option.is_number:
        assert isinstance(option.allowed, range)  # noqa: S101 - the table's own promise
        return Annotated[int, Field(ge=option.allowed.start, le=option.allowed.stop - 1)]
    words: Any = Literal[tuple(option.allowed)]
    return Annotated[tuple[words, ...], Field(min_length=1)] if option.is_set else words


def _spelling(key: str) -> str:
    return key.replace("_", "").lower()


_SPELLINGS = {_spelling(option.name): option.key for option in OPTIONS}


_Addresses = tuple[Annotated[str, Field(pattern=_ADDRESS)], ...]
_Regions = Annotated[tuple[Region, ...], Field(min_length=1), AfterValidator(_distinct)]


class _OptionBlock(Block):
    @model_validator(mode="before")
    @classmethod
    def _accept_the_spelling_of_aws(cls, block: object) -> object:
        """Phase1LifetimeSeconds, as AWS writes it, is phase1_lifetime_seconds."""
        if not isinstance(block, dict):
            return block
        keys = [_SPELLINGS.get(_spelling(str(key)), key) for key in block]
        _distinct(tuple(map(str, keys)))
        return dict(zip(keys, block.values(), strict=True))


OptionBlock: type[_OptionBlock] = create_model(
    "OptionBlock",
    __base__=_OptionBlock,
    **{
        option.key: (_option_type(option) | None, Field(None, description=option.help))
        for option in OPTIONS
        if option.allowed
    },  # type: ignore[call-overload]
)
"""Values of tunnel options; switches are AWS's alone and no customer gateway has them."""


def _stated(block: BaseModel) -> OptionValues:
    """By AWS's name, what an OptionBlock states."""
    stated: dict[str, OptionValue] = {}
    for key, value in block.model_dump(exclude_none=True).items():
        stated[BY_KEY[key].name] = ordered(set(value)) if isinstance(value, tuple) else value
    return stated


class Match(Block):
    """Which connections a policy is about; ids and tags both have to fit where both are given."""

    ids: tuple[ConnectionId, ...] = Field((), description="Connections by their id.")
    tags: dict[TagKey, str] = Field({}, description="Tags that a connection has to carry, each with this value.")

    @model_validator(mode="after")
    def _names_something(self) -> "Match":
        if not self.ids and not self.tags:
            raise ValueError("should name ids or tags; write `match: all` for every connection")
        return self


class PolicyBlock(Block):
    """What is wanted of some connections. Of several policies that fit, the first that states a thing decides it."""

    match: _all_or(Match) = Field(  # type: ignore[valid-type]
        description="Which connections: `all`, or `ids` and `tags`."
    )
    expected_tunnels: int | None = Field(
        None, ge=1, le=2, description="Tunnels that are meant to be UP; 1 for a single tunnel by design."
    )
    customer_gateway: OptionBlock = Field(
        default_factory=OptionBlock, description="What the customer gateway is set to, to be held against AWS's values."
    )
    device_file: Path | None = Field(
        None,
        description="The device's own configuration file (strongSwan swanctl.conf, Cisco IOS), relative to this one, "
        "read for what `customer_gateway` leaves unsaid; `check-config` names what could not be read in it.",
    )
    standby_tunnels: _all_or(_Addresses) = Field(  # type: ignore[valid-type]
        (), description="Tunnels that may be idle, by outside address, or `all`: AwsVpnTunnelIdle leaves them out."
    )

    def device(self, file: Path | None) -> DeviceSettings:
        """What the device's file says; `file` is the configuration file. Raises ConfigError."""
        if self.device_file is None:
            return DeviceSettings("", ())
        path = file.parent / self.device_file if file else self.device_file
        try:
            return devices.read(path.read_text(errors="replace"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
        except DeviceError as error:
            raise ConfigError(f"{path}: {error}") from None

    def policy(self, file: Path | None) -> Policy:
        """The policy as the catalogue reads it; `file` is the configuration file. Raises ConfigError."""
        device = self.device(file)
        addresses = {address for peer in device.peers for address in peer.addresses}
        peers = {address: device.peer(address) for address in sorted(addresses)}
        match = Match.model_construct() if self.match == "all" else self.match
        return Policy(
            ids=frozenset(match.ids),
            tags=match.tags,
            expected_tunnels=self.expected_tunnels,
            customer_gateway=_stated(self.customer_gateway),
            device={address: peer.options for address, peer in peers.items() if peer},
            standby_tunnels=self.standby_tunnels,
        )


class AccountBlock(Block):
    """An account to watch. Without `role_arn` it is the account of the default credentials."""

    role_arn: RoleArn | None = Field(None, description="The role to assume in the account.")
    external_id: ExternalId | None = Field(None, description="The external id that the role's trust policy asks for.")
    name: Annotated[str, Field(max_length=50)] = Field(
        "", description="A name for the account, on aws_vpn_target_info."
    )
    regions: _all_or(_Regions) | None = Field(  # type: ignore[valid-type]
        None, description="Regions of this account; without it, those at the top of the file."
    )

    def as_account(self, regions: Regions) -> Account:
        """The account; `regions` are those of the whole configuration."""
        role_arn = self.role_arn or ""
        account_id = role_arn.split(":")[4] if role_arn else UNKNOWN_ACCOUNT
        return Account(account_id, self.name, role_arn, self.external_id or "", self.regions or regions)


class Selection(Block):
    """Accounts of the organization, by any of three ways; an account that fits one of them is selected."""

    ids: tuple[AccountId, ...] = Field((), description="Accounts by id.")
    names: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Accounts by name; `*` stands for any characters."
    )
    organizational_units: tuple[UnitId, ...] = Field(
        (), description="Accounts by organizational unit or root, those in units below included."
    )


class OrganizationBlock(Block):
    """Every active account of the organization, through a role that each of them has."""

    role_name: Annotated[str, Field(min_length=1, pattern=_ROLE_NAME)] = Field(
        description="The role to assume in each account; `{account_id}` in it stands for the account's id."
    )
    external_id: ExternalId | None = Field(None, description="The external id that the roles' trust policies ask for.")
    list_role_arn: RoleArn | None = Field(
        None,
        description="A role to list the accounts with, where the default credentials belong to neither the management "
        "account nor a delegated administrator.",
    )
    include: Selection | None = Field(None, description="Watch these accounts only.")
    exclude: Selection | None = Field(None, description="Leave these accounts out, even where they are included.")
    regions: _all_or(_Regions) | None = Field(  # type: ignore[valid-type]
        None, description="Regions of these accounts; without it, those at the top of the file."
    )


def _own_account_once(accounts: tuple[AccountBlock, ...]) -> tuple[AccountBlock, ...]:
    ids = [
        account.role_arn.split(":")[4] if account.role_arn else "the default credentials' account"
        for account in accounts
    ]
    _distinct(tuple(ids))
    return accounts


class _Config(Block):
    """Everything the configuration file can say. A file is not needed: each key has a default."""

    regions: _all_or(_Regions) | None = Field(  # type: ignore[valid-type]
        None,
        description="Regions to watch: a list, or `all` for every region that is enabled in the account. "
        "Without it, the default region of the AWS settings (AWS_REGION, profile).",
    )
    accounts: Annotated[tuple[AccountBlock, ...], Field(min_length=1), AfterValidator(_own_account_once)] | None = (
        Field(
            None,
            description="Accounts to watch. Without it and `organization`, the default credentials' account.",
        )
    )
    organization: OrganizationBlock | None = Field(None, description="Watch the accounts of an AWS organization.")
    poll_interval: Duration = Field(30.0, description="How often a target with connections is asked.")
    discovery_interval: Duration = Field(
        600.0, description="How often a target without connections is asked, and regions are listed again."
    )
    stale_after: Duration = Field(
        300.0, description="How long the last good values of a failing target are still published."
    )
    tags: Annotated[tuple[TagKey, ...], AfterValidator(_distinct_labels)] = Field(
        (), description="Tag keys copied onto aws_vpn_connection_info, as labels tag_*."
    )
    policies: tuple[PolicyBlock, ...] = Field((), description="What is wanted of which connections.")
    option_defaults: OptionBlock = Field(
        default_factory=OptionBlock,
        description="Values for options that AWS leaves out of its answer, where its documented default is not yours.",
    )

    @field_validator("discovery_interval", "stale_after")
    @classmethod
    def _not_before_the_next_poll(cls, seconds: float, info: ValidationInfo) -> float:
        poll_interval = info.data.get("poll_interval", 0.0)
        if seconds < poll_interval:
            raise ValueError(f"should be at least poll_interval, {duration(poll_interval)}")
        return seconds

    def device_gaps(self, file: Path | None) -> Iterator[str]:
        """What could not be read in the devices' files. Raises ConfigError."""
        for block in self.policies:
            device = block.device(file)
            gaps = [*device.gaps, *(gap for peer in device.peers for gap in peer.gaps)]
            yield from (f"{block.device_file}: could not be read: {gap}" for gap in gaps)

    def sources(self) -> Mapping[str, SourceBlock]:
        """The blocks of the optional sources that are on, by the source's name."""
        blocks = {name: getattr(self, name) for name in SOURCES}
        return {name: block for name, block in blocks.items() if block}

    def settings(self, file: Path | None) -> Settings:
        """How answers are read and published; `file` is the configuration file. Raises ConfigError."""
        return Settings(
            tags=self.tags,
            policies=tuple(block.policy(file) for block in self.policies),
            option_defaults=_stated(self.option_defaults),
        )


Config = create_model(
    "Config",
    __base__=_Config,
    __doc__=_Config.__doc__,
    **{
        name: (source.block | None, Field(None, description=f"{source.description}; `{{}}` for its defaults."))
        for name, source in SOURCES.items()
    },  # type: ignore[call-overload]
)
"""The configuration: the keys above, and one for each optional source."""


def load(path: Path) -> Config:
    """The configuration in the file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > _LARGEST_FILE:
        raise ConfigError(f"{path}: is larger than 1 MiB; a configuration is far smaller")
    return read(raw, str(path))


def read(raw: bytes, name: str) -> Config:
    """The configuration in the bytes of a file called `name`. Raises ConfigError."""
    return validated(Config, raw, name)


def validated(schema: type[Schema], raw: bytes, name: str) -> Schema:
    """The YAML as the schema's value. Raises ConfigError with every complaint."""
    document, lines = _parse(raw, name)
    try:
        return schema.model_validate({} if document is None else document)
    except ValidationError as error:
        details = [detail for detail in error.errors() if not _follows_from_another(detail, error.errors())]
        raise ConfigError("\n".join(_complaint(detail, name, lines, schema) for detail in details)) from None


def _follows_from_another(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """A list whose only entry is bad is called too short as well."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(d["loc"]) > len(loc) and d["loc"][: len(loc)] == loc for d in details
    )


def _parse(raw: bytes, name: str) -> tuple[Any, Mapping[Path_, int]]:
    lines: dict[Path_, int] = {}
    try:
        node = _Loader(raw).get_single_node()
        return _plain(node, (), lines) if node else None, lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{name}:{line}: {said}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: is not YAML text: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply to be a configuration") from None


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases, which a configuration never needs and which can blow a file up."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            problem = "aliases (*name) are not supported; write the value out"
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        return super().compose_node(parent, index)


def _plain(node: yaml.Node, path: Path_, lines: dict[Path_, int]) -> Any:
    """The node as dicts, lists and text, noting on which line each value stands; an empty document is None."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, lines))
    if node.tag == "tag:yaml.org,2002:null" and path:
        problem = f"{_dotted(path)}: has no value; give it one or leave the key out"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    return node.value


def _pairs(node: yaml.MappingNode, path: Path_, lines: dict[Path_, int]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem="a key should be a word", problem_mark=key_node.start_mark)
        if key in seen:
            problem = f"{key}: this key stands twice here; keep one"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        seen.add(key)
        value = _plain(value_node, (*path, key), lines)
        lines[(*path, key)] = key_node.start_mark.line + 1
        yield key, value


def _complaint(detail: ErrorDetails, name: str, lines: Mapping[Path_, int], schema: type[BaseModel]) -> str:
    path = _place(detail["loc"], lines)
    where = f"{name}:{lines.get(path, 1)}"
    return ": ".join(part for part in (where, _dotted(path), _remedy(detail, schema)) if part)


def _dotted(path: Path_) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _place(loc: Path_, lines: Mapping[Path_, int]) -> Path_:
    """The part of pydantic's location that stands in the file; it also names branches of unions."""
    place: Path_ = ()
    for part in loc:
        spelled = next((p for p in lines if p[:-1] == place and p and _same(p[-1], part)), None)
        place = spelled or place
    return place


def _same(in_file: str | int, in_schema: str | int) -> bool:
    return in_file == in_schema or (
        isinstance(in_file, str) and _SPELLINGS.get(_spelling(in_file), in_file) == in_schema
    )


_EXAMPLES = {
    _ADDRESS: "should be a tunnel's outside address such as 203.0.113.1",
    _ACCOUNT_ID: "should be an account's id of 12 digits",
    _ROLE_ARN: "should be a role's ARN such as arn:aws:iam::123456789012:role/vpn-exporter",
    _ROLE_NAME: "should be a role's name such as vpn-exporter; only {account_id} may stand in braces",
    _UNIT_ID: "should be the id of an organizational unit or root, such as ou-ab12-cd34ef56",
    REGION_PATTERN: "should be a region such as eu-west-1",
    _CONNECTION_ID: "should be a connection's id such as vpn-0123456789abcdef0",
}
_WANTED = {
    "dict_type": "should be a block of keys",
    "int_parsing": "should be a whole number",
    "model_type": "should be a block of keys",
    "string_type": "should be text",
    "too_short": "should have at least one entry",
    "tuple_type": "should be a list",
}
"""Our words for what pydantic calls by the names of Python's types."""


def _remedy(detail: ErrorDetails, schema: type[BaseModel]) -> str:
    kind, said, context = detail["type"], detail["msg"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), _known_keys(schema, detail["loc"][:-1]))
    if kind == "missing":
        return f"the key {detail['loc'][-1]} is missing"
    if kind == "value_error":
        return str(context["error"])
    if context.get("expected") == "'all'":
        return f"should be the word all, a list or a block, not {detail['input']!r}"
    wanted = _WANTED.get(kind) or _EXAMPLES.get(context.get("pattern", "")) or said.removeprefix("Input ")
    shown = detail["input"]
    return f"{wanted}, not {shown!r}" if isinstance(shown, str) and len(shown) <= 80 else wanted


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"unknown key; {hint}"


def _known_keys(schema: type[BaseModel], loc: Path_) -> list[str]:
    """The keys of the block that the location leads to."""
    for part in loc:
        field = schema.model_fields.get(str(part))
        schema = (_block_in(field.annotation) if field else None) or schema
    return list(schema.model_fields)


def _block_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((block for block in map(_block_in, get_args(annotation)) if block), None)
