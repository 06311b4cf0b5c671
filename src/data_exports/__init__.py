"""Governed exports from a data platform on AWS.

People declare each export in one small YAML file; from those files this package checks, explains, deploys,
delivers and answers. The folders follow the data's way: ``estate`` (what is declared), ``access`` (what that
grants), ``stacks`` (what makes it so), ``deploy`` (carry it out), ``mover`` (deliver), ``operate`` (answer),
``local`` (all of it on a laptop), ``cli`` (the ``exports`` command).
"""

__version__ = "0.1.0"
