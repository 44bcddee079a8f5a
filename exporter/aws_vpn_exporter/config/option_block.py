"""The block of tunnel options, made from the table in `options.py`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model, model_validator

from aws_vpn_exporter.config.complaints import spelling
from aws_vpn_exporter.config.values import distinct_keys
from aws_vpn_exporter.fields import Block
from aws_vpn_exporter.options import BY_KEY, OPTIONS, Option, OptionValue, OptionValues, ordered

_KEYS = {spelling(option.name): option.key for option in OPTIONS}


class _OptionBlock(Block):
    @model_validator(mode="before")
    @classmethod
    def _accept_the_spelling_of_aws(cls, block: object) -> object:
        """Phase1LifetimeSeconds, as AWS writes it, is phase1_lifetime_seconds."""
        if not isinstance(block, dict):
            return block
        keys = tuple(_KEYS.get(spelling(str(key)), str(key)) for key in block)
        distinct_keys(keys)
        return dict(zip(keys, block.values(), strict=True))


_WORDS_OF_DEVICES = {
    "EncryptionAlgorithms": ("3DES", "AES192", "AES192-GCM-16", "CHACHA20-POLY1305", "DES"),
    "IntegrityAlgorithms": ("MD5",),
    "DHGroupNumbers": ("1", "5", "25", "26", "27", "28", "29", "30", "31", "32", "none"),
}
"""What devices have beyond AWS's words, by how the names of the options end."""


def _type(option: Option, of_a_device: bool) -> Any:
    if option.is_number:
        assert isinstance(option.allowed, range)  # noqa: S101 - the table's own promise  # nosec B101
        allowed = range(min(1, option.allowed.start), 2**31) if of_a_device else option.allowed
        return Annotated[int, Field(ge=allowed.start, le=allowed.stop - 1)]
    if not option.is_set:
        return Literal[tuple(option.allowed)]
    beyond = next((words for end, words in _WORDS_OF_DEVICES.items() if option.name.endswith(end)), ())
    words: Any = Literal[ordered({*option.allowed, *beyond}) if of_a_device else tuple(option.allowed)]
    return Annotated[tuple[words, ...], Field(min_length=1)]


def _fields(of_a_device: bool) -> dict[str, Any]:
    return {
        option.key: (_type(option, of_a_device) | None, Field(None, description=option.help))
        for option in OPTIONS
        if option.allowed
    }


OptionBlock: type[_OptionBlock] = create_model("OptionBlock", __base__=_OptionBlock, **_fields(of_a_device=False))
"""Values of tunnel options within AWS's limits. Switches such as `log_enabled` are not among them."""

GatewayBlock: type[_OptionBlock] = create_model("GatewayBlock", __base__=_OptionBlock, **_fields(of_a_device=True))
"""Values of the same options at a customer gateway, which AWS's limits do not bound: 86400 seconds are common."""


def stated(block: BaseModel) -> OptionValues:
    """The values that an OptionBlock or GatewayBlock states, by AWS's name of the option."""
    values: dict[str, OptionValue] = {}
    for key, value in block.model_dump(exclude_none=True).items():
        values[BY_KEY[key].name] = ordered(set(value)) if isinstance(value, tuple) else value
    return values
