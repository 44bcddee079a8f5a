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


def _type(option: Option) -> Any:
    if option.is_number:
        assert isinstance(option.allowed, range)  # noqa: S101 - the table's own promise
        return Annotated[int, Field(ge=option.allowed.start, le=option.allowed.stop - 1)]
    words: Any = Literal[tuple(option.allowed)]
    return Annotated[tuple[words, ...], Field(min_length=1)] if option.is_set else words


OptionBlock: type[_OptionBlock] = create_model(
    "OptionBlock",
    __base__=_OptionBlock,
    **{
        option.key: (_type(option) | None, Field(None, description=option.help)) for option in OPTIONS if option.allowed
    },  # type: ignore[call-overload]
)
"""Values of tunnel options. Switches such as `log_enabled` are not among them: a customer gateway has none."""


def stated(block: BaseModel) -> OptionValues:
    """The values that an OptionBlock states, by AWS's name of the option."""
    values: dict[str, OptionValue] = {}
    for key, value in block.model_dump(exclude_none=True).items():
        values[BY_KEY[key].name] = ordered(set(value)) if isinstance(value, tuple) else value
    return values
