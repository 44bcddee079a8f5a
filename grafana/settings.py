"""The PromQL that turns every tunnel option, word or number, into series with the labels `option` and `setting`."""

from aws_vpn_exporter.options import OPTIONS, Option, text

WORDS = tuple(option for option in OPTIONS if not (option.is_number or option.is_switch))


def settings(select: str, by: str, changed_only: bool = False) -> str:
    """One series for each option of each thing that `by` tells apart.

    With `changed_only`, of the options that are off AWS's default alone; then `default` is a label too.
    """
    labels = f"{by}, option, setting" + (", default" if changed_only else "")
    every = "\nor ".join(_setting(option, select, by, changed_only) for option in OPTIONS)
    return f"max by ({labels}) (\n{every}\n)"


def _setting(option: Option, select: str, by: str, changed_only: bool) -> str:
    default = default_text(option)
    if option in WORDS:
        found = f"aws_vpn_tunnel_options_info{{{select}}}"
        if changed_only:
            found = f'aws_vpn_tunnel_options_info{{{select}, {option.published_as}!="{default}"}}'
        found = f'label_replace({found}, "setting", "$1", "{option.published_as}", "(.*)")'
    elif option.is_switch:
        metric = f"{option.published_as}{{{select}}}"
        found = f'label_replace({metric} == 1, "setting", "on", "", "")'
        if not changed_only:
            found = f'({found} or label_replace({metric} == 0, "setting", "off", "", ""))'
    else:
        metric = f"max by ({by}) ({option.published_as}{{{select}}})"
        # The one way in PromQL from a number to a word.
        found = f'count_values by ({by}) ("setting", {metric}{f" != {default}" if changed_only else ""})'
    found = f'label_replace({found}, "option", "{option.key}", "", "")'
    return f'label_replace({found}, "default", "{default or "none"}", "", "")' if changed_only else found


def default_text(option: Option) -> str:
    """AWS's documented default as `settings` writes it."""
    if option.is_switch:
        return "off"
    if option.is_number and isinstance(option.default, int):
        return f"{option.default * option.scale:g}"
    return text(option.default)
