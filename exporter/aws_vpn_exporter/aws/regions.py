"""The regions that AWS's own list, which botocore brings, has in each partition."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from botocore.loaders import Loader


def unknown_regions(regions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those that are not in the list, each with the most similar one that is, or "".

    The list is as old as botocore: a newer region is not in it and can be watched all the same.
    """
    partitions = Loader().load_data("partitions")["partitions"]
    known = {region for partition in partitions for region in partition["regions"]}
    for region in sorted(set(regions) - known):
        yield region, next(iter(get_close_matches(region, known, 1)), "")
