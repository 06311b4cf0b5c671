"""The demo: the example estate deployed and used for real on a local AWS, every expectation checked as it goes.

`stage` holds what the scenes act on, `scenes` tells the story, `show` runs it from start to end.
"""
