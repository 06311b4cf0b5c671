"""Who can get at what: the grants, asked from every side, from the declarations or from what is deployed.

`holdings` has the values and the questions; `live` reads what is deployed; `uses` when a grant was last used, by the
receipts; `telling` and `review` write the answers, the latter as an access review to sign. Nothing here decides about
access: every answer is made of `Grant` values.
"""
