"""Deploys an estate: the same stacks as `exports deploy`, in the same waves."""

import pulumi

from data_exports.pulumi import export_stacks, read_estate

config = pulumi.Config()
made = export_stacks(read_estate(config.require("estate")), is_local=config.get_bool("local") or False)

pulumi.export("mover_role_arns", made.mover_role_arns)
