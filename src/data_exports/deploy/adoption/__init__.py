"""Buckets, roles and functions that exist without a stack, found by a plan and taken into one.

For estates that come from the old program, whose resources no stack made. It goes, as a folder, once no estate has such
any more; that is looked at again in June 2027. `prepare`, `apply.change_sets` and `apply.waves` alone import it; what a
plan says of such things (`planning.Existing`) stays for the kept buckets of removed datasets.
"""
