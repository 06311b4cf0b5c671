"""The CloudFormation stacks that make the grants so: pure functions, repeatable to the byte.

`foundation`, `push`, `pull` and `hub` each build one kind of stack; `stack` holds what they have in common; `code`
packs the mover. What is in them and why: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ and the
docstring of each module.
"""
