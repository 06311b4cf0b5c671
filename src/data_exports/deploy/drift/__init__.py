"""What differs in AWS from what was deployed, in sentences.

`finding` reads what was deployed back from the stacks and looks at everything; `policies` compares what policies mean;
`buckets`, `roles` and `movers` look at what decides about access and delivery; `detection` asks CloudFormation about
the rest.
"""
