"""The register: an estate as pages to look at, without a terminal.

The way of it: `facts` (estate, reviews, commits → `Register`, or that of one account alone) → `figures` (how many, over
time) → `pages` (values → HTML by the templates, every text escaped) → `site` (files in a folder of its own).
"""
