"""Why a tunnel is probably down: ranked causes, each with its evidence, its remedy and the commands against it.

A cause is a Rule in the file of its subject, listed in `causes.RULES`.
"""
