"""Who can get at what: the grants, asked from every side, from the declarations or from what is deployed.

`holdings` has the values and the questions; `live` reads what is deployed; `uses` when a grant was last used, by the
receipts; `views.who` and `views.access_review` write the answers. Nothing here decides about access: every answer is
made of `Grant` values.
"""
